// Decides how a resource is named and where its REST path is. Never knows what is inside an object.
import table from './generated/kubernetes-types.json' with { type: 'json' };

/** What identifies one resource type: `{ group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' }`. */
export interface ResourceRef {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface KindRow {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

const ROWS = new Map((table.kinds as KindRow[]).map((row) => [`${row.group}/${row.version}/${row.plural}`, row]));

/** The built-in resource, e.g. `resourceRef('apps', 'v1', 'deployments')`; throws on a name that is not in the table. */
export function resourceRef(group: string, version: string, resource: string): ResourceRef {
  const row = ROWS.get(`${group}/${version}/${resource}`);
  if (row === undefined) throw new Error(`no built-in resource ${group}/${version}/${resource}`);
  return { group, version, resource, kind: row.kind, namespaced: row.namespaced };
}

/** The resources that actors work with, by their usual names. */
export const RESOURCES = {
  pods: resourceRef('', 'v1', 'pods'),
  nodes: resourceRef('', 'v1', 'nodes'),
  namespaces: resourceRef('', 'v1', 'namespaces'),
  services: resourceRef('', 'v1', 'services'),
  endpoints: resourceRef('', 'v1', 'endpoints'),
  configMaps: resourceRef('', 'v1', 'configmaps'),
  secrets: resourceRef('', 'v1', 'secrets'),
  serviceAccounts: resourceRef('', 'v1', 'serviceaccounts'),
  events: resourceRef('', 'v1', 'events'),
  deployments: resourceRef('apps', 'v1', 'deployments'),
  replicaSets: resourceRef('apps', 'v1', 'replicasets'),
  endpointSlices: resourceRef('discovery.k8s.io', 'v1', 'endpointslices'),
  leases: resourceRef('coordination.k8s.io', 'v1', 'leases'),
  serviceCidrs: resourceRef('networking.k8s.io', 'v1', 'servicecidrs'),
  ipAddresses: resourceRef('networking.k8s.io', 'v1', 'ipaddresses'),
  apiServices: resourceRef('apiregistration.k8s.io', 'v1', 'apiservices'),
  customResourceDefinitions: resourceRef('apiextensions.k8s.io', 'v1', 'customresourcedefinitions'),
} as const;

/** `/apis/apps/v1/namespaces/default/deployments/web/status`; without a namespace: across all of them. */
export function resourcePath(
  ref: ResourceRef,
  at: { namespace?: string; name?: string; subresource?: string } = {},
): string {
  const root = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  const parts = [root];
  if (ref.namespaced && at.namespace !== undefined && at.namespace !== '')
    parts.push('namespaces', encodeURIComponent(at.namespace));
  parts.push(ref.resource);
  if (at.name !== undefined) parts.push(encodeURIComponent(at.name));
  if (at.subresource !== undefined) parts.push(at.subresource);
  return parts.join('/');
}

/** `apps/v1` or `v1`. */
export function apiVersionOf(ref: Pick<ResourceRef, 'group' | 'version'>): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}
