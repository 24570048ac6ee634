// Does: answers create, update, patch, delete and deletecollection: decodes, plans on the cache, has the writer carry it
// out. Never decides what may stand.
import { decodeValue, expectedOf } from '../../../lib/api/decode.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { isReason } from '../../../lib/base/errors.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import { listObjects } from '../core/list-objects.ts';
import { listOptions } from '../core/list-options.ts';
import { formOf } from '../core/media-type.ts';
import { planCreate } from '../core/pipeline/create.ts';
import { deleteOptions, planDelete, type DeleteOptions } from '../core/pipeline/delete.ts';
import { patchType, patched, type Patch } from '../core/pipeline/patch.ts';
import { notFound, type Plan, type WriteRequest } from '../core/pipeline/plan.ts';
import { planUpdate, type Part } from '../core/pipeline/update.ts';
import { writeOptions } from '../core/write-options.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { makeFresh } from './reads.ts';

const DEFAULT_TOLERATION_SECONDS = 300;
const DELETES_AT_ONCE = 50;

export async function createObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  formOf(call.accept);
  const { kind } = target;
  const options = writeOptions(call.query, 'CreateOptions');
  const decoded = decodeValue(call.body.parse(kind.ref.kind), expectedOf(kind), options.fieldValidation);
  for (const warning of decoded.warnings) call.warnings.add(warning);
  const object = withDefaults(target, decoded.object);
  const named = object.metadata.name || (object.metadata.generateName ?? '');
  return write(parts, call, target, options.dryRun, () => planCreate(writeRequest(parts, call, target), object), named);
}

export function updateObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  return updatePart(parts, call, target, 'main');
}

export async function updatePart(parts: ApiParts, call: Call, target: Target, part: Part): Promise<Answer> {
  formOf(call.accept);
  const { kind } = target;
  const options = writeOptions(call.query, 'UpdateOptions');
  const decoded = decodeValue(call.body.parse(kind.ref.kind), expectedOf(kind), options.fieldValidation);
  for (const warning of decoded.warnings) call.warnings.add(warning);
  const object = withDefaults(target, decoded.object);
  return write(parts, call, target, options.dryRun, () => {
    const request = writeRequest(parts, call, target);
    return planUpdate(request, currentOf(parts, target), structuredClone(object), part);
  });
}

export function patchObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  return patchPart(parts, call, target, 'main');
}

export async function patchPart(parts: ApiParts, call: Call, target: Target, part: Part): Promise<Answer> {
  formOf(call.accept);
  const { kind } = target;
  const options = writeOptions(call.query, 'PatchOptions');
  const patch = patchOf(call);
  return write(parts, call, target, options.dryRun, () => {
    const current = currentOf(parts, target);
    const result = patched(kind, current.object, patch, options.fieldValidation);
    for (const warning of result.warnings) call.warnings.add(warning);
    return planUpdate(writeRequest(parts, call, target), current, withDefaults(target, result.object), part);
  });
}

/** A patch is JSON, whatever its media type is called. */
export function patchOf(call: Call): Patch {
  const type = patchType(call.body.contentType);
  const { value, duplicates } = call.body.parse('Patch', 'application/json');
  return { type, value, duplicates };
}

export async function deleteObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  formOf(call.accept);
  const { options, dryRun } = deletion(call);
  return write(parts, call, target, dryRun, () =>
    planDelete(writeRequest(parts, call, target), currentOf(parts, target), options),
  );
}

export async function deleteCollection(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const form = formOf(call.accept);
  const { info, kind, stream } = target;
  const { options, dryRun } = deletion(call);
  await makeFresh(parts, call, '');
  const page = listObjects(parts.cache, kind, stream, info.namespace, listOptions(call.query, kind, false));
  for (let i = 0; i < page.items.length; i += DELETES_AT_ONCE)
    await Promise.all(
      page.items.slice(i, i + DELETES_AT_ONCE).map((item) => deleteItem(parts, call, target, item, options, dryRun)),
    );
  return { type: 'list', code: 200, kind, page, form, includeObject: '' };
}

/** One that went meanwhile is as gone as it should be. */
async function deleteItem(
  parts: ApiParts,
  call: Call,
  target: Target,
  item: CachedObject,
  options: DeleteOptions,
  dryRun: boolean,
): Promise<void> {
  const own: Target = { ...target, info: { ...target.info, namespace: item.namespace, name: item.name } };
  try {
    await write(parts, call, own, dryRun, () =>
      planDelete(writeRequest(parts, call, own), currentOf(parts, own), options),
    );
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

function deletion(call: Call): { options: DeleteOptions; dryRun: boolean } {
  const body = call.body.isEmpty ? undefined : call.body.parse('DeleteOptions').value;
  const dryRun = (body as { dryRun?: unknown } | undefined)?.dryRun;
  return { options: deleteOptions(body, call.query), dryRun: writeOptions(call.query, 'DeleteOptions', dryRun).dryRun };
}

/** `named` is what the trace calls an object that is not in the path yet. */
export async function write(
  parts: ApiParts,
  call: Call,
  target: Target,
  dryRun: boolean,
  plan: () => Plan,
  named = target.info.name,
): Promise<Answer> {
  const { info, kind } = target;
  const { subresource, verb } = info;
  const namespace = kind.ref.namespaced ? info.namespace : '';
  const written = await parts.writer.write({
    verb,
    kind,
    namespace,
    name: named,
    subresource,
    user: call.user,
    cause: call.cause,
    dryRun,
    plan,
  });
  return { type: 'object', code: written.code, body: written.body };
}

export function writeRequest(parts: ApiParts, call: Call, target: Target): WriteRequest {
  const { ctx, cache, access } = parts;
  return {
    user: call.user,
    info: target.info,
    kind: target.kind,
    view: cache,
    rbac: access.rbac,
    facts: ctx.settings.cluster,
    defaultTolerationSeconds: ctx.settings.defaultTolerationSeconds ?? DEFAULT_TOLERATION_SECONDS,
    now: ctx.clock.now(),
    chance: ctx.chance,
  };
}

export function currentOf(parts: ApiParts, target: Target): CachedObject {
  const { info, kind, stream } = target;
  const found = parts.cache.get({ stream, namespace: kind.ref.namespaced ? info.namespace : '', name: info.name });
  if (found === undefined) throw notFound(kind, info.name);
  return found;
}

function withDefaults(target: Target, object: KubeObject): KubeObject {
  object.metadata ??= { name: '' };
  target.kind.default(object);
  return object;
}
