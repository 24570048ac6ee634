// Decides which groups and versions another server answers for (APIServices that name a Service), whether that one can be
// reached as far as the cluster tells, and what it is told of who asks. Never asks it anything.
import { equalObjects } from '../../../lib/api/equality.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { User } from './auth/user.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, isBuiltIn, type KindTable } from './served-kinds.ts';
import { serviceEndpoint, type Address } from './service-endpoint.ts';

export const API_SERVICES = 'apiregistration.k8s.io/apiservices';
export const AVAILABLE = 'Available';
const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged';

/** An APIService that names a Service. */
export interface Remote {
  /** `v1beta1.metrics.k8s.io` */
  name: string;
  group: string;
  version: string;
  service: { namespace: string; name: string; port: number };
  /** PEM. */
  ca: string | undefined;
  isInsecure: boolean;
  object: KubeObject;
}

export interface Condition {
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

export const PASSED: Condition = { status: 'True', reason: 'Passed', message: 'all checks passed' };

/** Whoever serves a built-in kind keeps it: a mistaken APIService must not take pods away. */
export function remoteOf(view: ClusterCache, group: string, version: string): Remote | undefined {
  if (view.resource(API_SERVICES).objects.size === 0) return undefined;
  const object = view.get({ stream: API_SERVICES, namespace: '', name: `${version}.${group}` })?.object;
  return object === undefined ? undefined : asRemote(object);
}

function asRemote(object: KubeObject): Remote | undefined {
  const { service, caBundle, insecureSkipTLSVerify, group = '', version = '' } = object['spec'] ?? {};
  if (service === undefined || isBuiltIn(group, version)) return undefined;
  return {
    name: object.metadata.name,
    group,
    version,
    service: { namespace: service.namespace, name: service.name, port: service.port ?? 443 },
    ca: caBundle ? new TextDecoder().decode(Uint8Array.fromBase64(caBundle)) : undefined,
    isInsecure: insecureSkipTLSVerify === true,
    object,
  };
}

export function allRemotes(view: ClusterCache): Remote[] {
  return [...view.list(API_SERVICES)].flatMap(({ object }) => asRemote(object) ?? []);
}

export function conditionOf(apiService: KubeObject): Condition | undefined {
  return (apiService['status']?.conditions ?? []).find(({ type }: { type: string }) => type === AVAILABLE);
}

export const isAvailable = (remote: Remote): boolean => conditionOf(remote.object)?.status === 'True';

/** Each APIService by name, and whether its server cannot be reached. */
export const unavailableServices = (view: ClusterCache): Array<[name: string, isUnavailable: boolean]> =>
  [...view.list(API_SERVICES)].map(({ name, object }) => [name, conditionOf(object)?.status === 'False']);

/** What the cluster says against it before it is asked; undefined: nothing. The words are kube-aggregator's. */
export function obstacle(view: ClusterCache, { service }: Remote): Condition | undefined {
  const { namespace, name, port } = service;
  const about = `service/${name} in ${JSON.stringify(namespace)}`;
  const no = (reason: string, message: string): Condition => ({ status: 'False', reason, message });
  const found = view.get({ stream: 'core/services', namespace, name })?.object;
  if (found === undefined) return no('ServiceNotFound', `${about} is not present`);
  if ((found['spec']?.type ?? 'ClusterIP') !== 'ClusterIP') return undefined;
  const asked = (found['spec']?.ports ?? []).find((one: { port: number }) => one.port === port);
  if (asked === undefined) return no('ServicePortError', `${about} is not listening on port ${port}`);
  if (endpointOf(view, service) !== undefined) return undefined;
  const told = `endpoints for ${about} have no addresses with port name ${JSON.stringify(asked.name ?? '')}`;
  return no('MissingEndpoints', told);
}

export const endpointOf = (view: ClusterCache, { namespace, name, port }: Remote['service']): Address | undefined =>
  serviceEndpoint(view, namespace, name, port);

/** The status with this condition; undefined: it says so already. `time` is RFC 3339. */
export function statusWith(apiService: KubeObject, condition: Condition, time: string): object | undefined {
  const had = (apiService['status']?.conditions ?? []).find(({ type }: { type: string }) => type === AVAILABLE);
  if (had?.status === condition.status && had.reason === condition.reason && had.message === condition.message)
    return undefined;
  const lastTransitionTime: string = had?.status === condition.status ? had.lastTransitionTime : time;
  const others = (apiService['status']?.conditions ?? []).filter(({ type }: { type: string }) => type !== AVAILABLE);
  return { ...apiService['status'], conditions: [...others, { type: AVAILABLE, ...condition, lastTransitionTime }] };
}

/** Headers by which an extension server knows who asks; it believes them for the certificate that they come with. */
export function identityHeaders(user: User): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': user.name };
  if (user.uid !== undefined) headers['x-remote-uid'] = user.uid;
  if (user.groups.length > 0) headers['x-remote-group'] = [...user.groups];
  for (const [key, values] of Object.entries(user.extra ?? {}))
    headers[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values];
  return headers;
}

/** Group priorities of upstream's built-in groups; the order in which clients prefer them. */
const PRIORITIES: Record<string, number> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};

/** Of those that are not 15. */
const VERSION_PRIORITIES: Record<string, number> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
};

export interface LocalServices {
  create: KubeObject[];
  /** As they should be; somebody changed them. */
  correct: KubeObject[];
  /** Those that nothing is behind any more. */
  remove: KubeObject[];
}

/**
 * APIServices that this server makes for what it serves itself, so that there is one for each group and version: for what is built in
 * when it starts, for others always.
 */
export function localServices(view: ClusterCache, table: KindTable, isStart: boolean): LocalServices {
  const wanted = new Map<string, KubeObject>();
  for (const { group, version } of table.groupVersions) {
    // The registry does not register itself.
    if (group === 'apiregistration.k8s.io') continue;
    wanted.set(`${version}.${group}`, localService(group, version));
  }
  const due = [...wanted.values()].filter(({ metadata }) => isStart || metadata.labels?.[AUTOMANAGED] === 'true');
  const stored = (name: string): KubeObject | undefined =>
    view.get({ stream: API_SERVICES, namespace: '', name })?.object;
  const known = [...view.list(API_SERVICES)].map(({ object }) => object);
  return {
    create: due.filter(({ metadata }) => stored(metadata.name) === undefined),
    correct: due.filter(
      (object) => isManaged(stored(object.metadata.name)) && !hasSpecOf(object, stored(object.metadata.name)),
    ),
    remove: known.filter(
      (object) => isManaged(object) && object['spec']?.service === undefined && !wanted.has(object.metadata.name),
    ),
  };
}

const isManaged = (object: KubeObject | undefined): boolean => object?.metadata.labels?.[AUTOMANAGED] !== undefined;

const hasSpecOf = (wanted: KubeObject, stored: KubeObject | undefined): boolean =>
  equalObjects(wanted['spec'], stored?.['spec']);

function localService(group: string, version: string): KubeObject {
  const priority = PRIORITIES[group];
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: {
      name: `${version}.${group}`,
      labels: { [AUTOMANAGED]: isBuiltIn(group, version) ? 'onstart' : 'true' },
    },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: priority ?? 1000,
      versionPriority: priority === undefined ? 100 : (VERSION_PRIORITIES[`${group}/${version}`] ?? 15),
    },
  };
}

/** Changes of these may change what is served or who can be reached. */
export const WAKES_AGGREGATION: ReadonlySet<string> = new Set([
  API_SERVICES,
  CUSTOM_RESOURCE_DEFINITIONS,
  'core/services',
  'discovery.k8s.io/endpointslices',
]);
