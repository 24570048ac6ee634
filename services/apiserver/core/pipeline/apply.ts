// Decides what a server-side apply does: create what is not there, or merge into what is, as any other write from then on.
// Never merges by itself (lib/api/managed-fields does).
import { forbidden, required, type FieldError } from '../../../../lib/api/field-error.ts';
import { applyServerSide } from '../../../../lib/api/managed-fields/apply.ts';
import { applyConflict } from '../../../../lib/api/managed-fields/conflicts.ts';
import { apiVersionOf } from '../../../../lib/api/resource.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { isTrue } from '../query-number.ts';
import { writeOptions, type WriteOptions } from '../write-options.ts';
import { planCreate } from './create.ts';
import { conflict, notFound, type ManagedRequest, type Plan } from './plan.ts';
import { versionsOf } from './field-owners.ts';
import { planUpdate, type Part } from './update.ts';

export const APPLY_TYPE = 'application/apply-patch+yaml';

export interface ApplyPatch {
  /** The body as it was sent. */
  value: unknown;
  /** Takes fields that others own. */
  force: boolean;
  /** Throws when the user may patch but not create. */
  mayCreate: () => void;
}

export const isApply = (contentType: string): boolean => contentType.split(';')[0]!.trim().toLowerCase() === APPLY_TYPE;

/** Who applies has a name, and only who applies may force. */
function applyErrors(query: URLSearchParams, applies: boolean): FieldError[] {
  if (!applies && query.has('force')) return [forbidden('force', 'may not be specified for non-apply patch')];
  const isNameless = applies && (query.get('fieldManager') ?? '') === '';
  return isNameless ? [required('fieldManager', 'is required for apply patch')] : [];
}

/** `force`: whether it may take what others own. Throws 422. */
export function patchOptions(query: URLSearchParams, applies: boolean): WriteOptions & { force: boolean } {
  const options = writeOptions(query, 'PatchOptions', applyErrors(query, applies));
  return { ...options, force: isTrue(query.get('force')) };
}

/** `current` undefined: there is none. */
export function planApply(
  request: ManagedRequest,
  current: CachedObject | undefined,
  patch: ApplyPatch,
  part: Part,
): Plan {
  const { kind, info, now } = request;
  const manager = request.fieldManager.name;
  if (current === undefined && part !== 'main') throw notFound(kind, info.name);
  const { object, conflicts } = applyServerSide({
    typeName: kind.typeName,
    apiVersion: apiVersionOf(kind.ref),
    kind: kind.ref.kind,
    current: current?.object,
    applied: patch.value,
    manager,
    force: patch.force,
    subresource: info.subresource,
    now,
    versions: request.kinds === undefined ? undefined : versionsOf(request),
  });
  if (conflicts.length > 0) throw applyConflict(conflicts);
  kind.default(object);
  const applying = { ...request, fieldManager: { name: manager, tracksNew: true, applies: true } };
  if (current !== undefined) return planUpdate(applying, current, object, part);
  patch.mayCreate();
  const { name = '', uid = '' } = object.metadata;
  if (name !== info.name)
    throw new ApiError(
      'BadRequest',
      `the name of the object (${name}) does not match the name on the URL (${info.name})`,
    );
  if (uid !== '')
    throw conflict(
      kind,
      name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  return planCreate({ ...applying, info: { ...info, verb: 'create' } }, object);
}
