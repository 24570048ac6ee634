// Decides at which address a Service is reached from outside the nodes: a ready endpoint, as cluster addresses are only known
// to nodes. Never opens a connection.
import type { ClusterCache } from './cache/cluster-cache.ts';

const SLICES = 'discovery.k8s.io/endpointslices';

export interface Address {
  host: string;
  port: number;
}

/** Undefined: there is no such Service or port, or nobody is ready behind it. */
export function serviceEndpoint(
  view: ClusterCache,
  namespace: string,
  name: string,
  port: number,
): Address | undefined {
  const spec = view.get({ stream: 'core/services', namespace, name })?.object['spec'];
  if (spec?.type === 'ExternalName') return { host: spec.externalName as string, port };
  const asked = (spec?.ports ?? []).find((one: any) => one.port === port);
  if (asked === undefined) return undefined;
  for (const { object } of view.resource(SLICES).indexed([`label=kubernetes.io/service-name=${name}`])) {
    if (object.metadata.namespace !== namespace) continue;
    const target = (object['ports'] ?? []).find((one: any) => (one.name ?? '') === (asked.name ?? ''));
    const ready = (object['endpoints'] ?? []).find((one: any) => one.conditions?.ready !== false);
    if (target?.port !== undefined && ready?.addresses?.[0] !== undefined)
      return { host: ready.addresses[0] as string, port: target.port as number };
  }
  return undefined;
}
