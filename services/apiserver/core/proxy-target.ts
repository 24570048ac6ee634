// Decides which pod and port a request for the proxy of a pod or a Service means, and what all proxies say of it. Never opens a
// connection.
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { CachedObject } from './cache/cached-object.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';

const SLICES = 'discovery.k8s.io/endpointslices';

export interface ProxyTarget {
  scheme: 'http' | 'https';
  name: string;
  /** '': none was named. Of a Service it may be a port's name. */
  port: string;
}

/** `name`, `name:port`, `scheme:name:port`; the scheme may be empty. Throws ApiError. */
export function proxyTargetOf(text: string): ProxyTarget {
  const parts = text.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? ''];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme!))
    throw new ApiError(
      'BadRequest',
      `invalid proxy request ${JSON.stringify(text)}: it must be name, name:port or scheme:name:port`,
    );
  return { scheme: scheme === 'https' ? 'https' : 'http', name: name!, port: port! };
}

/** What stands before the path that the pod is asked for, and that path: '' where not even a slash follows. */
export function proxiedPath(path: string): { prefix: string; path: string } {
  const [, prefix = path, rest = ''] =
    /^(\/api\/v1(?:\/namespaces\/[^/]+)?\/[^/]+\/[^/]+\/proxy)(\/.*)?$/.exec(path) ?? [];
  return { prefix, path: rest };
}

/** Where a reader of the proxy's own path is sent: relative links of a page must lead to what is below it. undefined: it stays. */
export function proxyLocation(method: string, path: string, query: string): string | undefined {
  const { prefix, path: rest } = proxiedPath(path);
  if (rest !== '' || !['GET', 'HEAD'].includes(method)) return undefined;
  return `${prefix}/${query === '' ? '' : `?${query}`}`;
}

export const unreachable = (error: unknown): ApiError =>
  new ApiError('ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`, undefined, { cause: error });

/** The port that was named, or the first one of the pod. */
export function podPort(pod: CachedObject, port: string): number {
  const ports: Array<{ containerPort: number }> = (pod.object['spec']?.containers ?? []).flatMap(
    (container: { ports?: Array<{ containerPort: number }> }) => container.ports ?? [],
  );
  const chosen = port === '' ? (ports[0]?.containerPort ?? 80) : Number(port);
  if (Number.isInteger(chosen) && chosen >= 1 && chosen <= 65_535) return chosen;
  throw new ApiError('BadRequest', `invalid port ${JSON.stringify(port)} of pod ${pod.name}: it must be 1 to 65535`);
}

/** A ready pod behind the Service, and its port. Throws ApiError in upstream's words. */
export function podBehind(
  cache: ClusterCache,
  service: CachedObject,
  port: string,
  choose: (count: number) => number,
): { pod: CachedObject; port: number } {
  const { namespace, name } = service;
  const ports: any[] = service.object['spec']?.ports ?? [];
  const asked = port === '' ? ports[0] : ports.find((one) => one.name === port || String(one.port) === port);
  if (asked === undefined)
    throw new ApiError('ServiceUnavailable', `no service port ${JSON.stringify(port)} found for service "${name}"`);
  const ready = cache
    .resource(SLICES)
    .indexed([`label=kubernetes.io/service-name=${name}`])
    .filter(({ object }) => object.metadata.namespace === namespace)
    .flatMap(({ object }) => {
      const target = (object['ports'] ?? []).find((one: any) => (one.name ?? '') === (asked.name ?? ''));
      const endpoints: any[] = object['endpoints'] ?? [];
      return endpoints.flatMap(({ conditions, targetRef }) => {
        if (conditions?.ready === false || targetRef?.kind !== 'Pod' || target?.port === undefined) return [];
        const pod = cache.get({ stream: 'core/pods', namespace, name: targetRef.name as string });
        return pod === undefined ? [] : [{ pod, port: target.port as number }];
      });
    });
  if (ready.length === 0) throw new ApiError('ServiceUnavailable', `no endpoints available for service "${name}"`);
  return ready[choose(ready.length)]!;
}
