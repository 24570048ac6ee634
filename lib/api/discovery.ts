// Decides how the API tells what it serves: group and resource lists of old, and the aggregated list of today, all from one
// table of kinds. Never decides which kinds are served.
import type { Kind, Subresource } from './kind.ts';
import { apiVersionOf } from './resource.ts';

/** Groups as clients should prefer them: a name that two groups have (`events`) means the first. Others follow by name. */
const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

const rank = (group: string): number => (GROUP_ORDER.includes(group) ? GROUP_ORDER.indexOf(group) : GROUP_ORDER.length);

/** Groups in order, each with its versions, newest first, each with its kinds. */
export function groupsOf(kinds: readonly Kind[]): Map<string, Map<string, Kind[]>> {
  const groups = new Map<string, Map<string, Kind[]>>();
  const sorted = kinds.toSorted(
    (a, b) =>
      rank(a.ref.group) - rank(b.ref.group) ||
      (a.ref.group < b.ref.group ? -1 : a.ref.group > b.ref.group ? 1 : compareVersions(a.ref.version, b.ref.version)),
  );
  for (const kind of sorted) {
    const versions = groups.get(kind.ref.group) ?? new Map<string, Kind[]>();
    groups.set(kind.ref.group, versions);
    versions.set(kind.ref.version, [...(versions.get(kind.ref.version) ?? []), kind]);
  }
  return groups;
}

/** Stable before beta before alpha, higher before lower. */
export function compareVersions(a: string, b: string): number {
  const parse = (version: string): number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return [0, 0, 0];
    return [match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1, Number(match[1]), Number(match[3] ?? 0)];
  };
  const left = parse(a);
  const right = parse(b);
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `GET /api` without aggregation. `address` is where clients reach this server: `127.0.0.1:6443`. */
export function apiVersions(address: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** `GET /apis` without aggregation. */
export function apiGroupList(kinds: readonly Kind[]): object {
  const groups = [...groupsOf(kinds)].filter(([group]) => group !== '');
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map(([group, versions]) => groupEntry(group, versions)),
  };
}

/** `GET /apis/<group>`; undefined when there is no such group. */
export function apiGroup(kinds: readonly Kind[], group: string): object | undefined {
  const versions = group === '' ? undefined : groupsOf(kinds).get(group);
  return versions === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group, versions) };
}

function groupEntry(group: string, versions: Map<string, Kind[]>): object {
  const entries = [...versions.keys()].map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

/** The hash of a text in which clients see that a kind is now stored as another version: its first 8 bytes as base64. */
export type StorageHash = (text: string) => string;

/**
 * `GET /api/v1`, `GET /apis/<group>/<version>`; undefined when nothing is served there. The list of the core says no
 * apiVersion of its own: clients of the first days did not know any.
 */
export function apiResourceList(
  kinds: readonly Kind[],
  group: string,
  version: string,
  storageHash?: StorageHash,
): object | undefined {
  const served = kinds.filter((kind) => kind.ref.group === group && kind.ref.version === version);
  if (served.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: served.flatMap((kind) => [resourceEntry(kind, storageHash), ...subresourceEntries(kind)]),
  };
}

function resourceEntry(kind: Kind, storageHash: StorageHash | undefined): object {
  const stored = kind.storedAs ?? kind.ref;
  return {
    name: kind.ref.resource,
    singularName: kind.singular,
    namespaced: kind.ref.namespaced,
    kind: kind.ref.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.stored && storageHash !== undefined
      ? { storageVersionHash: storageHash(`${stored.group}/${stored.version}/${kind.ref.kind}`) }
      : {}),
  };
}

function subresourceEntries(kind: Kind): object[] {
  return Object.entries(kind.subresources).map(([name, subresource]) => ({
    name: `${kind.ref.resource}/${name}`,
    singularName: '',
    namespaced: kind.ref.namespaced,
    ...(subresource.group === undefined ? {} : { group: subresource.group, version: subresource.version }),
    kind: subresource.kind,
    verbs: subresource.verbs,
  }));
}

export type AggregatedVersion = 'v2' | 'v2beta1';

/** The media type that must stand in the answer's Content-Type, or clients take the body for the list of old. */
export const aggregatedMediaType = (version: AggregatedVersion): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

/** `GET /api` (core alone) and `GET /apis` (all others) with aggregation. */
export function aggregatedDiscovery(
  kinds: readonly Kind[],
  root: '/api' | '/apis',
  version: AggregatedVersion,
  isStale: (group: string, version: string) => boolean = () => false,
): object {
  const groups = [...groupsOf(kinds)].filter(([group]) => (group === '') === (root === '/api'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
      versions: [...versions].map(([name, served]) => ({
        version: name,
        resources: served.map(aggregatedResource),
        freshness: isStale(group, name) ? 'Stale' : 'Current',
      })),
    })),
  };
}

function aggregatedResource(kind: Kind): object {
  const subresources = Object.entries(kind.subresources).map(([name, subresource]) => ({
    subresource: name,
    responseKind: responseKind(kind, subresource),
    verbs: subresource.verbs,
  }));
  return {
    resource: kind.ref.resource,
    responseKind: responseKind(kind, { kind: kind.ref.kind }),
    scope: kind.ref.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

/** Of a built-in kind an empty group and version mean those of the list it stands in; custom resources say theirs. */
function responseKind(kind: Kind, { group, version, kind: name }: Omit<Subresource, 'verbs'>): object {
  const own = typeof kind.typeName === 'string' ? { group: '', version: '' } : kind.ref;
  return { group: group ?? own.group, version: version ?? own.version, kind: name };
}
