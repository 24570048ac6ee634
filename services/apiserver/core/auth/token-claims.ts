// Decides what a ServiceAccount's token says, for how long, and whether one that was signed by us still stands. Never
// signs or verifies a signature.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { invalid, invalidValue } from '../../../../lib/api/field-error.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import type { ClusterCache } from '../cache/cluster-cache.ts';
import { forbiddenBy, notFound, type WriteRequest } from '../pipeline/plan.ts';
import { legacyStanding, type LegacyClaims, type Standing } from './legacy-tokens.ts';
import { nodeOf, serviceAccountUser, type User } from './user.ts';

/** Issuer, and audience of tokens for this API, as upstream's default. */
export const ISSUER = 'https://kubernetes.default.svc';

interface ObjectName {
  name: string;
  uid: string;
}

export interface PrivateClaims {
  namespace: string;
  serviceaccount: ObjectName;
  pod?: ObjectName;
  secret?: ObjectName;
  node?: ObjectName;
  /** Seconds since 1970: its bearer should have fetched a newer one. */
  warnafter?: number;
}

export interface TokenClaims {
  sub: string;
  aud: string[];
  iat: number;
  nbf: number;
  exp: number;
  jti: string;
  'kubernetes.io': PrivateClaims;
}

export const DEFAULT_TOKEN_SECONDS = 3600;
const SHORTEST_SECONDS = 600;
const LONGEST_SECONDS = 2 ** 32;
/** What is asked for where a pod's programs may not know that tokens expire: theirs lives on for a year, and is warned of. */
const WARNED_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;
/** What is being deleted stands for this long: its last words. */
const LEEWAY_MS = 60_000;
const BOUND_KINDS: Record<string, 'pods' | 'secrets' | 'nodes'> = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' };

/** What the token of a TokenRequest says. Throws ApiError. */
export function claimsFor(request: WriteRequest, tokenRequest: KubeObject): TokenClaims {
  const { namespace, name } = request.info;
  const account = request.view.get({ stream: 'core/serviceaccounts', namespace, name });
  if (account === undefined) throw notFound(request.kind, name);
  requireOwnName(tokenRequest, namespace, name);
  const spec = tokenRequest['spec'] ?? {};
  const seconds: number = spec.expirationSeconds ?? DEFAULT_TOKEN_SECONDS;
  checkSeconds(seconds);
  const audiences: string[] = (spec.audiences ?? []).length === 0 ? [ISSUER] : spec.audiences;
  const bound = boundTo(request, account.object, spec.boundObjectRef);
  const now = Math.floor(request.now / 1000);
  const isForUs = audiences.length === 1 && audiences[0] === ISSUER;
  const isExtended = seconds === WARNED_SECONDS && bound.pod !== undefined && isForUs;
  const warning = isExtended ? { warnafter: now + seconds } : {};
  return {
    sub: `system:serviceaccount:${namespace}:${name}`,
    aud: audiences,
    iat: now,
    nbf: now,
    exp: now + (isExtended ? EXTENDED_SECONDS : seconds),
    jti: request.chance.uuid(),
    'kubernetes.io': { namespace, serviceaccount: { name, uid: account.object.metadata.uid! }, ...bound, ...warning },
  };
}

const OTHER_NAMESPACE = 'the namespace of the provided object does not match the namespace sent on the request';

function requireOwnName({ metadata }: KubeObject, namespace: string, name: string): void {
  const { name: given = '', namespace: at = '' } = metadata ?? {};
  if (at !== '' && at !== namespace) throw new ApiError('BadRequest', OTHER_NAMESPACE);
  if (given === '' || given === name) return;
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [
    invalidValue('metadata.name', given, 'must match the service account name if specified'),
  ]);
}

function checkSeconds(seconds: number): void {
  const wrong =
    seconds < SHORTEST_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : seconds > LONGEST_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : '';
  if (wrong === '') return;
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
    { code: 'FieldValueInvalid', path: 'spec.expirationSeconds', message: `Invalid value: ${seconds}: ${wrong}` },
  ]);
}

function boundTo(request: WriteRequest, account: KubeObject, ref: BoundReference | undefined): Partial<PrivateClaims> {
  const node = nodeOf(request.user);
  if (node !== undefined) requirePodOf(request, node, ref);
  if (ref === undefined || ref === null) return {};
  const resource = BOUND_KINDS[ref.kind ?? ''];
  if (resource === undefined) throw new ApiError('BadRequest', `cannot bind token to object of type ${typeOf(ref)}`);
  if ((ref.name ?? '') === '') throw new ApiError('BadRequest', 'Name parameter required.');
  const namespace = resource === 'nodes' ? '' : request.info.namespace;
  const found = request.view.get({ stream: `core/${resource}`, namespace, name: ref.name ?? '' })?.object;
  if (found === undefined)
    throw new ApiError('NotFound', `${resource} ${JSON.stringify(ref.name ?? '')} not found`, {
      name: ref.name ?? '',
      kind: resource,
    });
  if ((ref.uid ?? '') !== '' && ref.uid !== found.metadata.uid)
    throw new ApiError(
      'Conflict',
      `Operation cannot be fulfilled on ${ref.kind} ${JSON.stringify(ref.name)}: ${otherUid(ref)}`,
      { name: ref.name!, kind: ref.kind! },
    );
  const bound = { name: found.metadata.name, uid: found.metadata.uid! };
  if (resource !== 'pods') return resource === 'nodes' ? { node: bound } : { secret: bound };
  return podClaims(request, account, found, bound);
}

interface BoundReference {
  apiVersion?: string;
  kind?: string;
  name?: string;
  uid?: string;
}

/** As Go prints it: `/v1, Kind=ConfigMap`. */
function typeOf({ apiVersion = '', kind = '' }: BoundReference): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return `${group}/${version}, Kind=${kind}`;
}

const otherUid = ({ uid }: BoundReference): string =>
  `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;

/** A node speaks for its pods alone; in upstream's words and order. */
function requirePodOf(request: WriteRequest, node: string, ref: BoundReference | undefined): void {
  if (ref?.kind !== 'Pod' || (ref.name ?? '') === '') throw refused(request, 'node requested token not bound to a pod');
  if ((ref.uid ?? '') === '') throw refused(request, 'node requested token with a pod binding without a uid');
  const { namespace } = request.info;
  const pod = request.view.get({ stream: 'core/pods', namespace, name: ref.name! })?.object;
  if (pod === undefined)
    throw new ApiError('NotFound', `pod ${JSON.stringify(ref.name)} not found`, { name: ref.name!, kind: 'pod' });
  if (pod.metadata.uid !== ref.uid) throw refused(request, otherUid(ref));
  if (pod['spec']?.nodeName !== node)
    throw refused(request, 'node requested token bound to a pod scheduled on a different node');
}

function podClaims(
  request: WriteRequest,
  account: KubeObject,
  pod: KubeObject,
  bound: ObjectName,
): Partial<PrivateClaims> {
  const runsAs: string = pod['spec']?.serviceAccountName ?? '';
  if (runsAs !== account.metadata.name)
    throw new ApiError(
      'BadRequest',
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
    );
  const nodeName: string = pod['spec']?.nodeName ?? '';
  const home = nodeName === '' ? undefined : request.view.get({ stream: 'core/nodes', namespace: '', name: nodeName });
  return { pod: bound, ...(home === undefined ? {} : { node: { name: nodeName, uid: home.object.metadata.uid! } }) };
}

function refused(request: WriteRequest, why: string): ApiError {
  return forbiddenBy(request.kind, request.info.name, why);
}

/** Upstream's words. */
export const INVALIDATED = 'service account token has been invalidated';

/** What is known of a token whose signature holds. */
export interface Presented {
  token: string;
  claims: LegacyClaims & { 'kubernetes.io'?: PrivateClaims; jti?: string; exp?: number };
}

/** `now`: milliseconds. */
export function standingOf(view: ClusterCache, { token, claims }: Presented, now: number): Standing {
  const own = claims['kubernetes.io'];
  if (own === undefined) return legacyStanding(view, token, claims);
  const who = boundUser(view, own, claims.jti, now);
  const staleSeconds = own.warnafter === undefined ? 0 : Math.floor(now / 1000) - own.warnafter;
  if (typeof who === 'string' || staleSeconds <= 0) return { who };
  const stale = `subject: ${who.name}, seconds after warning threshold: ${staleSeconds}`;
  return { who, annotations: { 'authentication.k8s.io/stale-token': stale } };
}

function boundUser(view: ClusterCache, own: PrivateClaims, jti: string | undefined, now: number): User | string {
  const { namespace, serviceaccount, pod, secret, node } = own;
  const gone = (stream: string, at: string, bound: ObjectName): boolean =>
    !stands(view.get({ stream, namespace: at, name: bound.name })?.object, bound.uid, now);
  const account = view.get({ stream: 'core/serviceaccounts', namespace, name: serviceaccount.name })?.object;
  if (account === undefined) return `serviceaccounts ${JSON.stringify(serviceaccount.name)} not found`;
  if (!stands(account, undefined, now)) return INVALIDATED;
  if (account.metadata.uid !== serviceaccount.uid)
    return `service account UID (${account.metadata.uid}) does not match claim (${serviceaccount.uid})`;
  if (pod !== undefined && gone('core/pods', namespace, pod)) return INVALIDATED;
  if (secret !== undefined && gone('core/secrets', namespace, secret)) return INVALIDATED;
  // A token of a pod dies with the pod; its node is only told.
  if (node !== undefined && pod === undefined && gone('core/nodes', '', node)) return INVALIDATED;
  const told = (kind: string, bound: ObjectName | undefined): Record<string, string[]> =>
    bound === undefined
      ? {}
      : {
          [`authentication.kubernetes.io/${kind}-name`]: [bound.name],
          [`authentication.kubernetes.io/${kind}-uid`]: [bound.uid],
        };
  const extra: Record<string, string[]> = {
    ...(jti === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }),
    ...told('pod', pod),
    ...told('node', node),
  };
  return serviceAccountUser(namespace, serviceaccount.name, { uid: serviceaccount.uid, extra });
}

function stands(object: KubeObject | undefined, uid: string | undefined, now: number): boolean {
  if (object === undefined || (uid !== undefined && object.metadata.uid !== uid)) return false;
  const { deletionTimestamp } = object.metadata;
  return deletionTimestamp === undefined || now - Date.parse(deletionTimestamp) < LEEWAY_MS;
}
