// Decides which stored object a collection's path and a name mean. Never reads it.
import { requestInfo } from '../../core/request-info.ts';
import { streamOf, type ObjectKey } from '../../core/storage-key.ts';

export function parseKeyOfPath(collection: string, name: string): ObjectKey {
  const info = requestInfo('GET', `${collection}/${name}`, new URLSearchParams());
  if (!info.isResource) throw new Error(`${collection} is no collection of objects`);
  const namespace = info.resource === 'namespaces' ? '' : info.namespace;
  return { stream: streamOf(info.group, info.resource), namespace, name };
}
