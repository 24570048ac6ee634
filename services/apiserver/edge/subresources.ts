// Does: answers requests for parts of objects: status, scale, binding, eviction, tokens, logs and conversations. One line
// a subresource; never decides what may stand.
import { decodeValue, expectedOf } from '../../../lib/api/decode.ts';
import { kindFor, type Kind } from '../../../lib/api/kind.ts';
import { updateManagedFields } from '../../../lib/api/managed-fields/update.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import { toTime } from '../../../lib/base/clock.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { podBehind, podPort, proxyTargetOf } from '../core/proxy-target.ts';
import { claimsFor, DEFAULT_TOKEN_SECONDS } from '../core/auth/token-claims.ts';
import { planBinding } from '../core/pipeline/binding.ts';
import { deleteOptions } from '../core/pipeline/delete.ts';
import { planEviction } from '../core/pipeline/eviction.ts';
import { managerName } from '../core/pipeline/field-owners.ts';
import { patched } from '../core/pipeline/patch.ts';
import { patchOptions, isApply, planApply } from '../core/pipeline/apply.ts';
import { SCALE, appliedScale, planScale, scaleForm, scaleOf, shownScale, toldAsScale } from '../core/pipeline/scale.ts';
import { writeOptions, type WriteOptions } from '../core/write-options.ts';
import { requireNoTable } from '../core/media-type.ts';
import { methodNotAllowed } from '../core/request-info.ts';
import { logOptions } from './pod-target.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import { admitConnection } from './connections.ts';
import { nodePage } from './node-proxy.ts';
import type { ApiParts } from './parts.ts';
import { getObject, readItem } from './reads.ts';
import { appliedOf, currentOf, patchOf, patchPart, updatePart, write, writeRequest } from './writes.ts';

type Handler = (parts: ApiParts, call: Call, target: Target) => Promise<Answer>;

const EVICTION_KIND = {
  ref: { group: 'policy', version: 'v1', resource: 'evictions', kind: 'Eviction', namespaced: true },
  typeName: 'policy.v1.Eviction',
};
const TOKEN_KIND = {
  ref: {
    group: 'authentication.k8s.io',
    version: 'v1',
    resource: 'tokenrequests',
    kind: 'TokenRequest',
    namespaced: true,
  },
  typeName: 'authentication.v1.TokenRequest',
};

/** What they are answered with is no object that stays. */
const WITHOUT_ROWS = new Set(['binding', 'eviction', 'token', 'log']);

/** By subresource, then by verb. */
const HANDLERS: Record<string, Partial<Record<string, Handler>>> = {
  status: {
    get: getObject,
    update: (parts, call, target) => updatePart(parts, call, target, 'status'),
    patch: (parts, call, target) => patchPart(parts, call, target, 'status'),
  },
  approval: {
    get: getObject,
    update: (parts, call, target) => updatePart(parts, call, target, 'approval'),
    patch: (parts, call, target) => patchPart(parts, call, target, 'approval'),
  },
  finalize: { update: (parts, call, target) => updatePart(parts, call, target, 'finalize') },
  ephemeralcontainers: {
    get: getObject,
    update: (parts, call, target) => updatePart(parts, call, target, 'ephemeralcontainers'),
    patch: (parts, call, target) => patchPart(parts, call, target, 'ephemeralcontainers'),
  },
  resize: {
    get: getObject,
    update: (parts, call, target) => updatePart(parts, call, target, 'resize'),
    patch: (parts, call, target) => patchPart(parts, call, target, 'resize'),
  },
  scale: { get: getScale, update: updateScale, patch: patchScale },
  binding: { create: bindPod },
  eviction: { create: evictPod },
  token: { create: createToken },
  log: { get: converse },
  exec: { get: converse, create: converse },
  attach: { get: converse, create: converse },
  portforward: { get: converse, create: converse },
  proxy: { get: proxyTo, create: proxyTo, update: proxyTo, patch: proxyTo, delete: proxyTo, '': proxyTo },
};

export async function answerSubresource(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { info, kind } = target;
  const declared = kind.subresources[info.subresource];
  if (declared === undefined) throw new ApiError('NotFound', 'the server could not find the requested resource', {});
  if (WITHOUT_ROWS.has(info.subresource)) requireNoTable(call.accept);
  const handler = HANDLERS[info.subresource]?.[info.verb];
  if (handler === undefined) {
    if (HANDLERS[info.subresource] !== undefined) throw methodNotAllowed();
    throw new ApiError('MethodNotAllowed', `${kind.ref.resource}/${info.subresource} is not served yet`, {});
  }
  return handler(parts, call, target);
}

async function getScale(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { kind } = target;
  const item = await readItem(parts, call, target);
  return { type: 'object', code: 200, kind: scaleForm(kind), body: shownScale(item.object, kind.scale) };
}

async function updateScale(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const options = writeOptions(call.query, 'UpdateOptions');
  const { object: scale } = decodeValue(call.body.parse('Scale'), expectedOf(SCALE), options.fieldValidation);
  return write(parts, call, target, options.dryRun, () =>
    planScale(writeRequest(parts, call, target), currentOf(parts, target), scale),
  );
}

async function patchScale(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const applies = isApply(call.body.contentType);
  const options = patchOptions(call.query, applies);
  if (applies) return applyScale(parts, call, target, options);
  const patch = patchOf(call, SCALE);
  return write(parts, call, target, options.dryRun, () => {
    const current = currentOf(parts, target);
    const { object } = patched(SCALE, scaleOf(current.object, target.kind.scale), patch, options.fieldValidation);
    return planScale(writeRequest(parts, call, target), current, object);
  });
}

function applyScale(
  parts: ApiParts,
  call: Call,
  target: Target,
  { force, dryRun, fieldValidation }: WriteOptions & { force: boolean },
): Promise<Answer> {
  const value = appliedScale(target.kind, appliedOf(call, fieldValidation));
  // It is there, or `currentOf` has thrown.
  const mayCreate = (): void => {};
  return write(parts, call, target, dryRun, () => {
    const current = currentOf(parts, target);
    const plan = planApply(writeRequest(parts, call, target), current, { value, force, mayCreate }, 'main');
    return toldAsScale(target.kind, plan, current);
  });
}

async function bindPod(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const binding = decodeAs(call, bindingKind());
  checkNamed(binding, target, 'Binding');
  return bind(parts, call, target, binding);
}

/** Before anybody looks whether there is such a pod. */
function checkNamed({ metadata }: KubeObject, { info }: Target, what: string): void {
  if (metadata?.name !== info.name)
    throw new ApiError('BadRequest', `name in URL does not match name in ${what} object`);
}

/** The old way: POST to `bindings`, where the body names the pod. */
export async function bindByBody(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const binding = decodeAs(call, bindingKind());
  const pods = kindFor('', 'v1', 'pods')!;
  const info = { ...target.info, resource: 'pods', subresource: 'binding', name: binding.metadata?.name ?? '' };
  return bind(parts, call, { info, kind: pods, stream: 'core/pods' }, binding);
}

function bind(parts: ApiParts, call: Call, target: Target, binding: KubeObject): Promise<Answer> {
  const { dryRun } = writeOptions(call.query, 'CreateOptions');
  return write(parts, call, target, dryRun, () =>
    planBinding(writeRequest(parts, call, target), currentOf(parts, target), binding),
  );
}

function bindingKind(): Pick<Kind, 'ref' | 'typeName'> {
  return kindFor('', 'v1', 'bindings')!;
}

async function evictPod(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const eviction = decodeAs(call, EVICTION_KIND);
  checkNamed(eviction, target, 'Eviction');
  const { dryRun: dryDelete, ...options } = deleteOptions(eviction['deleteOptions'] ?? {}, new URLSearchParams());
  const dryRun = dryDelete || writeOptions(call.query, 'CreateOptions').dryRun;
  return write(parts, call, target, dryRun, () =>
    planEviction(writeRequest(parts, call, target), currentOf(parts, target), options, eviction),
  );
}

async function createToken(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const asked = decodeAs(call, TOKEN_KIND);
  // A token is made from what the caller may have created a moment ago.
  await parts.freshness.newestOrWarning();
  const claims = claimsFor(writeRequest(parts, call, target), asked);
  const token = await parts.tokens.sign(claims);
  call.audit?.annotate('authentication.kubernetes.io/issued-credential-id', `JTI=${claims.jti}`);
  const { name, namespace } = target.info;
  // A token that is warned of lives longer than its bearer is told.
  const seconds = (claims['kubernetes.io'].warnafter ?? claims.exp) - claims.iat;
  return {
    type: 'object',
    code: 201,
    body: {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: toTime(claims.iat * 1000), ...ownersOf(parts, call, asked) },
      spec: { ...asked['spec'], audiences: claims.aud, expirationSeconds: seconds },
      status: { token, expirationTimestamp: toTime((claims.iat + seconds) * 1000) },
    },
  };
}

/** Who asked for what is told of a request for a token, too. */
function ownersOf({ ctx }: ApiParts, call: Call, asked: KubeObject): object {
  const expirationSeconds: number = asked['spec']?.expirationSeconds ?? DEFAULT_TOKEN_SECONDS;
  const managedFields = updateManagedFields({
    typeName: TOKEN_KIND.typeName,
    before: undefined,
    after: { ...asked, spec: { ...asked['spec'], expirationSeconds } },
    manager: managerName(call.query, call.userAgent ?? '', call.user),
    apiVersion: apiVersionOf(TOKEN_KIND.ref),
    subresource: 'token',
    now: ctx.clock.now(),
    tracksNew: ctx.settings.tracksFieldManagers ?? true,
  });
  return managedFields === undefined ? {} : { managedFields };
}

async function converse(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  if (target.info.subresource === 'log') logOptions(target.info.name, call.query);
  else await admitConnection(parts, call, target);
  return { type: 'stream', info: target.info, pod: await readItem(parts, call, target) };
}

/** The pod that is meant, also of a Service; its name says by which scheme and on which port. */
async function proxyTo(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  await admitConnection(parts, call, target);
  if (target.kind.ref.resource === 'nodes') return nodePage(parts, call, target);
  const { scheme, name, port } = proxyTargetOf(target.info.name);
  // Whatever is asked there is asked of the pod.
  const withoutQuery = { ...call, query: new URLSearchParams() };
  const item = await readItem(parts, withoutQuery, { ...target, info: { ...target.info, name } });
  const found =
    target.kind.ref.resource === 'services'
      ? podBehind(parts.cache, item, port, (count) => parts.ctx.chance.int(count))
      : { pod: item, port: podPort(item, port) };
  const info = { ...target.info, name: `${scheme}:${found.pod.name}:${found.port}` };
  return { type: 'stream', info, pod: found.pod };
}

function decodeAs(call: Call, kind: Pick<Kind, 'ref' | 'typeName'>): KubeObject {
  const { fieldValidation } = writeOptions(call.query, 'CreateOptions');
  const decoded = decodeValue(call.body.parse(kind.ref.kind), expectedOf(kind), fieldValidation);
  for (const warning of decoded.warnings) call.warnings.add(warning);
  return decoded.object;
}
