// Decides what a PUT does: it replaces the object that is there or, of the few kinds that allow it, makes one. Never decides
// what either makes of the object.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { planCreate } from './create.ts';
import { notFound, type Plan, type WriteRequest } from './plan.ts';
import { checkName, planUpdate, type Part } from './update.ts';

/** `current` undefined: there is none. `mayCreate` throws where the caller may not. */
export function planReplace(
  request: WriteRequest,
  current: CachedObject | undefined,
  object: KubeObject,
  part: Part,
  mayCreate: () => void,
): Plan {
  if (current !== undefined) return planUpdate(request, current, object, part);
  const { kind, info } = request;
  if (part !== 'main' || !kind.allowsCreateOnUpdate) throw notFound(kind, info.name);
  checkName(object.metadata.name ?? '', info.name);
  mayCreate();
  return planCreate({ ...request, info: { ...info, verb: 'create' } }, object);
}
