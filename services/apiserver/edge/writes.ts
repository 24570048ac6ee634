// Does: answers create, update, patch, delete and deletecollection: decodes, plans on the cache, has the writer carry it
// out. Never decides what may stand.
import { decodeValue, expectedOf, type FieldValidation } from '../../../lib/api/decode.ts';
import type { ParsedText } from '../../../lib/api/json.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { repeatedKeys } from '../../../lib/api/yaml-repeats.ts';
import { signatureProblem } from '../../../lib/http/certificate-signature.ts';
import { cloneJson } from '../../../lib/base/clone.ts';
import { ApiError, isReason } from '../../../lib/base/errors.ts';
import { attributesOf, refusalText } from '../core/auth/attributes.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import { viewAs } from '../core/cache/view-as.ts';
import { listObjects } from '../core/list-objects.ts';
import { listOptions } from '../core/list-options.ts';
import { formOf } from '../core/media-type.ts';
import { scaleForm } from '../core/pipeline/scale.ts';
import { isApply, patchOptions, planApply } from '../core/pipeline/apply.ts';
import { planCreate } from '../core/pipeline/create.ts';
import {
  decodedOptions,
  deleteOptions,
  planDelete,
  type DeleteOptions,
  type DeletionBody,
} from '../core/pipeline/delete.ts';
import { keepReset, managerName } from '../core/pipeline/field-owners.ts';
import { patchType, patched, type Patch } from '../core/pipeline/patch.ts';
import { notFound, type ManagedRequest, type Plan } from '../core/pipeline/plan.ts';
import { planReplace } from '../core/pipeline/replace.ts';
import { planUpdate, type Part } from '../core/pipeline/update.ts';
import { writeOptions, type WriteOptions } from '../core/write-options.ts';
import { RESOURCE_QUOTAS } from '../core/admission/resource-quota.ts';
import { hasWebhooks } from '../core/admission/webhooks.ts';
import { Answers } from './webhooks/answers.ts';
import type { Target } from './api.ts';
import type { Answer, Call, CallBody } from './call.ts';
import { convertingList } from './custom-resources/convert.ts';
import type { ApiParts } from './parts.ts';
import { makeFresh } from './reads.ts';

const DEFAULT_TOLERATION_SECONDS = 300;
const DELETES_AT_ONCE = 50;

export async function createObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  formOf(call.accept);
  const { kind } = target;
  const options = writeOptions(call.query, 'CreateOptions');
  const read = (): KubeObject => {
    const decoded = decodeValue(call.body.parse(kind.ref.kind), expectedOf(kind), options.fieldValidation);
    for (const warning of decoded.warnings) call.warnings.add(warning);
    return withDefaults(target, decoded.object);
  };
  // A plan changes it. Hardly ever is there a second one, which then reads it again: that is cheaper than a copy for each.
  let first: KubeObject | undefined = read();
  const named = first.metadata.name || (first.metadata.generateName ?? '');
  const plan = (): Plan => {
    const object = first ?? read();
    first = undefined;
    return planCreate(writeRequest(parts, call, target), object);
  };
  return write(parts, call, target, options.dryRun, plan, named);
}

export function updateObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  return updatePart(parts, call, target, 'main');
}

export async function updatePart(parts: ApiParts, call: Call, target: Target, part: Part): Promise<Answer> {
  formOf(call.accept);
  const { kind } = target;
  const options = writeOptions(call.query, 'UpdateOptions');
  const sent = call.body.parse(kind.ref.kind);
  const decoded = decodeValue(sent, expectedOf(kind), options.fieldValidation);
  for (const warning of decoded.warnings) call.warnings.add(warning);
  const object = withDefaults(target, decoded.object);
  keepReset(sent.value, object);
  return write(parts, call, target, options.dryRun, () => {
    const request = writeRequest(parts, call, target);
    const mayCreate = (): void => refuseCreate(parts, call, target);
    return planReplace(request, found(parts, target), cloneJson(object), part, mayCreate);
  });
}

export function patchObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  return patchPart(parts, call, target, 'main');
}

export async function patchPart(parts: ApiParts, call: Call, target: Target, part: Part): Promise<Answer> {
  formOf(call.accept);
  const { kind } = target;
  const applies = isApply(call.body.contentType);
  const options = patchOptions(call.query, applies);
  if (applies) return applyPart(parts, call, target, part, options);
  const patch = patchOf(call, kind);
  return write(parts, call, target, options.dryRun, () => {
    const current = currentOf(parts, target);
    const result = patched(kind, current.object, patch, options.fieldValidation);
    for (const warning of result.warnings) call.warnings.add(warning);
    return planUpdate(writeRequest(parts, call, target), current, withDefaults(target, result.object), part);
  });
}

/** A patch is JSON, whatever its media type is called. */
export function patchOf(call: Call, kind: Pick<Kind, 'typeName'>): Patch {
  const type = patchType(call.body.contentType, typeof kind.typeName !== 'string');
  try {
    const { value, duplicates } = call.body.parse('Patch', 'application/json');
    return { type, value, duplicates };
  } catch (error) {
    if (!(error instanceof ApiError && error.cause instanceof SyntaxError)) throw error;
    // A patch is of no kind that it could be refused as: upstream tells what the decoder says, strategic ones bare.
    const told = jsonProblem(error.cause);
    throw new ApiError('BadRequest', type.includes('strategic') ? told : `error decoding patch: ${told}`);
  }
}

/** What Go's decoder says of the text alone. */
const jsonProblem = (told: SyntaxError): string =>
  told.cause instanceof SyntaxError ? told.cause.message : told.message;

function applyPart(
  parts: ApiParts,
  call: Call,
  target: Target,
  part: Part,
  { force, dryRun, fieldValidation }: WriteOptions & { force: boolean },
): Promise<Answer> {
  const value = appliedOf(call, fieldValidation);
  const mayCreate = (): void => refuseCreate(parts, call, target);
  return write(parts, call, target, dryRun, () =>
    planApply(writeRequest(parts, call, target), found(parts, target), { value, force, mayCreate }, part),
  );
}

/** An applied configuration is called YAML, and is JSON from every client; keys that come again are told by their lines. */
export function appliedOf(call: Call, fieldValidation: FieldValidation): unknown {
  const { value, duplicates } = jsonOrYaml(call);
  if (duplicates.length === 0 || fieldValidation === 'Ignore') return value;
  const problems = repeatedKeys(new TextDecoder().decode(call.body.bytes));
  if (fieldValidation === 'Strict') {
    const told = ['error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:', ...problems];
    throw new ApiError('BadRequest', told.join('\n  '));
  }
  for (const problem of problems) call.warnings.add(problem);
  return value;
}

function jsonOrYaml(call: Call): ParsedText {
  try {
    return call.body.parse('Patch', 'application/json');
  } catch (error) {
    if (!isReason(error, 'BadRequest')) throw error;
    return appliedYaml(call);
  }
}

function appliedYaml(call: Call): ParsedText {
  try {
    return call.body.parse('Patch', 'application/yaml');
  } catch (error) {
    if (!(error instanceof ApiError && error.cause instanceof SyntaxError)) throw error;
    const told = `error decoding YAML: error converting YAML to JSON: ${error.cause.message}`;
    throw new ApiError('BadRequest', told, undefined, { cause: error });
  }
}

/** Who may patch may not for that create: an apply asks for both when there is nothing yet. */
function refuseCreate(parts: ApiParts, call: Call, { info }: Target): void {
  const asked = attributesOf(call.user, { ...info, verb: 'create' }, call.query);
  const verdict = parts.access.authorize(asked);
  if (verdict.allowed) return;
  const { name, group, resource } = info;
  const details = { name, ...(group === '' ? {} : { group }), kind: resource };
  throw new ApiError('Forbidden', refusalText(asked, verdict.reason), details);
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
  const selected = listOptions(call.query, kind, false);
  const page = await convertingList(parts, { kind, stream, namespace: info.namespace, options: selected }, () =>
    listObjects(parts.cache, kind, stream, info.namespace, selected),
  );
  for (let i = 0; i < page.items.length; i += DELETES_AT_ONCE)
    await Promise.all(
      page.items.slice(i, i + DELETES_AT_ONCE).map((item) => deleteItem(parts, call, target, item, options, dryRun)),
    );
  return { type: 'list', code: 200, kind, page, form, includeObject: '' };
}

/** One that went meanwhile is as gone as it should be. */
export async function deleteItem(
  parts: ApiParts,
  call: Call,
  target: Target,
  item: CachedObject,
  options: DeleteOptions,
  dryRun: boolean,
): Promise<void> {
  const own: Target = { ...target, info: { ...target.info, namespace: item.namespace, name: item.name } };
  try {
    // Many at once: none of them is the story of the request.
    const { story: _story, ...each } = call;
    await write(parts, each, own, dryRun, () =>
      planDelete(writeRequest(parts, each, own), currentOf(parts, own), options),
    );
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

function deletion(call: Call): { options: DeleteOptions; dryRun: boolean } {
  const { dryRun, ...options } = deleteOptions(call.body.isEmpty ? undefined : deletionBody(call.body), call.query);
  call.options = options;
  return { options, dryRun };
}

/** What cannot be read as options is upstream's own fault to it, as is a kind that it does not know. */
function deletionBody(body: CallBody): DeletionBody {
  try {
    const { value } = body.parse('DeleteOptions');
    return decodedOptions(value);
  } catch (error) {
    const isSyntax = error instanceof ApiError && error.cause instanceof SyntaxError;
    if (!isSyntax) throw error;
    throw new ApiError('', (error.cause as SyntaxError).message, undefined, { cause: error });
  }
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
  call.dryRun = dryRun;
  const written = await parts.writer.write({
    verb,
    kind,
    namespace,
    name: named,
    subresource,
    user: call.user,
    cause: call.cause,
    story: call.story,
    dryRun,
    ...turnOf(parts, target),
    plan: () => (mayWait(parts, kind) ? (call.answers ??= new Answers()).plan(parts, plan) : plan()),
  });
  const told = written.body as { kind?: unknown };
  const isScale = subresource === 'scale' && told.kind === 'Scale';
  const ofKind = isScale ? { kind: scaleForm(kind) } : told.kind === kind.ref.kind ? { kind } : {};
  return { type: 'object', code: written.code, body: written.body, text: written.text, ...ofKind };
}

/** Writers that take from one quota wait for each other, or most of them would find it changed. */
function turnOf(parts: ApiParts, { info, kind }: Target): { turn?: string } {
  if (info.verb !== 'create' || !kind.ref.namespaced) return {};
  if (parts.cache.resource(RESOURCE_QUOTAS).objects.size === 0) return {};
  for (const _ of parts.cache.list(RESOURCE_QUOTAS, info.namespace)) return { turn: `quotas of ${info.namespace}` };
  return {};
}

export function writeRequest(parts: ApiParts, call: Call, target: Target): ManagedRequest {
  const { ctx, cache, access } = parts;
  call.story?.planning();
  return {
    user: call.user,
    story: call.story,
    info: target.info,
    kind: target.kind,
    view: cache,
    rbac: access.rbac,
    authorize: (asked) => access.authorize(asked),
    facts: ctx.settings.cluster,
    kinds: parts.kinds.table,
    dryRun: call.dryRun ?? false,
    signatureProblem,
    warn: (text) => call.warnings.add(text),
    annotate: (key, value, atLeast) => call.audit?.annotate(key, value, atLeast),
    options: { ...call.options, ...optionsOf(call.query, call.dryRun ?? false) },
    defaultTolerationSeconds: ctx.settings.defaultTolerationSeconds ?? DEFAULT_TOLERATION_SECONDS,
    fieldManager: {
      name: managerName(call.query, call.userAgent ?? '', call.user),
      tracksNew: ctx.settings.tracksFieldManagers ?? true,
    },
    ...asking(parts, call, target.kind),
  };
}

/** Whether a plan may have to wait for what a webhook says. */
export const mayWait = (parts: ApiParts, kind: Kind): boolean =>
  kind.storedAs?.converter !== undefined || hasWebhooks({ view: parts.cache });

/** As admission is told of them. */
function optionsOf(query: URLSearchParams, dryRun: boolean): Record<string, unknown> {
  if (!dryRun && query.size === 0) return {};
  const told = ['fieldManager', 'fieldValidation'].flatMap((name) => {
    const value = query.get(name) ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  return { ...(dryRun ? { dryRun: ['All'] } : {}), ...Object.fromEntries(told) };
}

/** Where there are webhooks, all plans of a request draw the same at the same time: they are asked about one object. */
function asking(parts: ApiParts, call: Call, kind: Kind): Pick<ManagedRequest, 'chance' | 'now' | 'ask'> {
  const { chance, clock } = parts.ctx;
  if (!mayWait(parts, kind)) return { chance, now: clock.now() };
  call.answers ??= new Answers();
  return { chance: call.answers.replaying(chance), now: call.answers.timeOf(clock), ask: call.answers.ask };
}

export function currentOf(parts: ApiParts, target: Target): CachedObject {
  const current = found(parts, target);
  if (current === undefined) throw notFound(target.kind, target.info.name);
  return current;
}

function found(parts: ApiParts, { info, kind, stream }: Target): CachedObject | undefined {
  const item = parts.cache.get({ stream, namespace: kind.ref.namespaced ? info.namespace : '', name: info.name });
  return item === undefined ? undefined : viewAs(kind, item);
}

function withDefaults(target: Target, object: KubeObject): KubeObject {
  object.metadata ??= { name: '' };
  target.kind.default(object);
  return object;
}
