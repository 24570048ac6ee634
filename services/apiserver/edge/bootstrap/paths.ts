// Decides which stored object a collection's path and a name mean. Never asks the store for it.
import { requestInfo } from '../../core/request-info.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { ClusterCache } from '../../core/cache/cluster-cache.ts';
import { streamOf, type ObjectKey } from '../../core/storage-key.ts';

export function parseKeyOfPath(collection: string, name: string): ObjectKey {
  const info = requestInfo('GET', `${collection}/${name}`, new URLSearchParams());
  if (!info.isResource) throw new Error(`${collection} is no collection of objects`);
  const namespace = info.resource === 'namespaces' ? '' : info.namespace;
  return { stream: streamOf(info.group, info.resource), namespace, name };
}

export const storedAt = (
  { cache }: { cache: ClusterCache },
  collection: string,
  name: string,
): KubeObject | undefined => cache.get(parseKeyOfPath(collection, name))?.object;
