// Decides under which key an object is stored, and reads keys back. Never decides what is stored.
import { groupToken } from '../../../lib/bus/subjects.ts';

export const REGISTRY = '/registry/';
/** Keys here make an address or a port belong to one Service: they are written in the Service's own transaction. */
export const ALLOCATIONS = '/allocations/';

export interface ObjectKey {
  /** `apps/deployments`, `core/pods`: names the resource in the cache and in Progress. */
  stream: string;
  namespace: string;
  name: string;
}

/** `apps/deployments`; the core group is written out, as on the bus. */
export function streamOf(group: string, resource: string): string {
  return `${groupToken(group)}/${resource}`;
}

/** `/registry/apps/deployments/default/web`, `/registry/core/nodes//node-1`. */
export function keyOf(at: ObjectKey): string {
  return `${REGISTRY}${at.stream}/${at.namespace}/${at.name}`;
}

/** Undefined for keys that hold no object. Names have no `/`, so that the parts are unambiguous. */
export function parseKey(key: string): ObjectKey | undefined {
  if (!key.startsWith(REGISTRY)) return undefined;
  const parts = key.slice(REGISTRY.length).split('/');
  if (parts.length !== 4) return undefined;
  const [group, resource, namespace, name] = parts as [string, string, string, string];
  return { stream: `${group}/${resource}`, namespace, name };
}

/** Name of an object within its resource, in the order of the store's keys. */
export function localKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
