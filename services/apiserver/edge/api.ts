// Does: takes one authenticated request through authorization to the verb that it asks for. Never knows how the request
// came or how the answer goes.
import type { Kind } from '../../../lib/api/kind.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { AccessDenied, attributesOf, type Attributes } from '../core/auth/attributes.ts';
import type { Verdict } from '../core/auth/access.ts';
import { ANONYMOUS } from '../core/auth/user.ts';
import { requireRoute } from '../core/route.ts';
import {
  methodNotAllowed,
  requestInfo,
  segmentProblem,
  type RequestInfo,
  type ResourceRequest,
} from '../core/request-info.ts';
import { streamOfKind } from '../core/served-kinds.ts';
import { proxied } from './aggregation/proxy.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { answerComponents } from './component-statuses.ts';
import { answerDocument, isOpen } from './documents.ts';
import { getObject, listOrTable, watchObjects } from './reads.ts';
import { answerReview } from './review-answers.ts';
import { answerSubresource } from './subresources.ts';
import { answerUsage, METRICS_GROUP } from './usage.ts';
import { createObject, deleteCollection, deleteObject, patchObject, updateObject } from './writes.ts';

/** A resource request with everything that names its target. */
export interface Target {
  info: ResourceRequest;
  kind: Kind;
  stream: string;
}

type Verb = (parts: ApiParts, call: Call, target: Target) => Promise<Answer>;

/** What each verb does to a whole object; subresources are in subresources.ts. */
const VERBS: Record<ResourceRequest['verb'], Verb> = {
  '': () => Promise.reject(methodNotAllowed()),
  get: getObject,
  list: listOrTable,
  watch: watchObjects,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteCollection,
};

/** Throws ApiError for every refusal. */
export async function handle(parts: ApiParts, call: Call): Promise<Answer> {
  const info = (call.info ??= requestInfo(call.method, call.path, call.query));
  const asked = authorize(parts, call, info);
  if (asked !== undefined) await asked;
  call.story?.mark('authorize', parts.ctx.clock.monotonic());
  const elsewhere = proxied(parts, info);
  if (elsewhere !== undefined) return elsewhere;
  if (call.path.startsWith('//')) return pageNotFound();
  if (!info.isResource) return answerDocument(parts, call, info);
  const target = targetOf(parts, info);
  if (target === undefined) return pageNotFound();
  const { kind } = target;
  if (info.subresource !== 'proxy' && isNoMethod(info, call.method)) throw methodNotAllowed();
  if (kind.deprecationWarning !== undefined) noteDeprecated(parts, call, kind.deprecationWarning, info);
  if (info.subresource !== '') return answerSubresource(parts, call, target);
  const isNamedCreate = info.verb === 'create' && info.name !== '';
  if (isNamedCreate || !kind.verbs.includes(info.verb)) throw methodNotAllowed();
  requireRoute(call, kind, info);
  requireNames(info);
  if (kind.ref.group === METRICS_GROUP) return answerUsage(parts, call, target);
  if (kind.ref.resource === 'componentstatuses') return answerComponents(parts, call, target);
  if (!kind.stored) return answerReview(parts, call, target);
  return VERBS[info.verb](parts, call, target);
}

/** A promise only where the answer is not yes at once. */
export function authorize(parts: ApiParts, call: Call, info: RequestInfo): Promise<void> | undefined {
  const isFree = !info.isResource && isOpen(info.path);
  const asked = attributesOf(call.user, info, call.query);
  const first = isFree ? { allowed: true, reason: '' } : parts.access.authorize(asked);
  if (!first.allowed) return authorizeFresh(parts, call, asked);
  noteDecision(call, first);
  return undefined;
}

async function authorizeFresh(parts: ApiParts, call: Call, asked: Attributes): Promise<void> {
  // A binding or a pod that allows it may have been written through another API actor a moment ago.
  if (call.user !== ANONYMOUS) await parts.freshness.newestOrWarning();
  const verdict = parts.access.authorize(asked);
  noteDecision(call, verdict);
  if (verdict.allowed) return;
  throw new AccessDenied(asked, verdict.reason);
}

function noteDeprecated({ metrics }: ApiParts, call: Call, warning: string, info: ResourceRequest): void {
  call.warnings.add(warning);
  call.audit?.annotate('k8s.io/deprecated', 'true');
  metrics.requests.deprecated(info);
}

function noteDecision({ audit }: Call, { allowed, reason }: Verdict): void {
  if (audit === undefined) return;
  audit.annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
  audit.annotate('authorization.k8s.io/reason', reason);
}

/** Undefined: no such group or version, which upstream answers with plain text. */
function targetOf(parts: ApiParts, info: ResourceRequest): Target | undefined {
  const { table } = parts.kinds;
  const kind = table.find(info.group, info.version, info.resource);
  if (kind !== undefined && isPlaced(kind, info)) return { info, kind, stream: streamOfKind(kind) };
  if (!isRouted(parts, info)) return undefined;
  throw new ApiError('NotFound', 'the server could not find the requested resource', {});
}

/** None that is served, or one of an object asked of a collection. */
const isNoMethod = ({ verb, name }: ResourceRequest, method: string): boolean =>
  method === 'HEAD' || verb === '' || (name === '' && ONE_OBJECT.has(verb));

/** Upstream's servers of definitions and of API services, and that of the core, know all versions of their groups. */
const ROUTED_GROUPS: ReadonlySet<string> = new Set(['', 'apiextensions.k8s.io', 'apiregistration.k8s.io']);

const isRouted = ({ kinds }: ApiParts, { group, version }: ResourceRequest): boolean =>
  ROUTED_GROUPS.has(group) || kinds.table.servesGroupVersion(group, version);

/** Throws 400 for what no object could be called, in upstream's words. */
function requireNames({ namespace, name, resource }: ResourceRequest): void {
  const isNamespace = resource === 'namespaces';
  for (const [what, value] of [['Namespace', isNamespace ? '' : namespace] as const, ['Name', name] as const]) {
    const problem = segmentProblem(value);
    if (problem !== undefined)
      throw new ApiError('BadRequest', `${what} parameter invalid: ${JSON.stringify(value)}: ${problem}`);
  }
}

const ONE_OBJECT: ReadonlySet<string> = new Set(['get', 'update', 'patch', 'delete']);

/** Cluster resources have no path below a namespace, objects of namespaced ones none outside. */
function isPlaced(kind: Kind, info: ResourceRequest): boolean {
  if (kind.ref.namespaced && info.namespace === '' && ONE_OBJECT.has(info.verb)) return false;
  return (
    kind.ref.namespaced || info.namespace === '' || (kind.ref.resource === 'namespaces' && info.namespace === info.name)
  );
}

export function pageNotFound(): Answer {
  return {
    type: 'bytes',
    code: 404,
    contentType: 'text/plain; charset=utf-8',
    bytes: Buffer.from('404 page not found\n'),
    headers: { 'x-content-type-options': 'nosniff' },
  };
}
