// Decides the Service and the EndpointSlice by which pods find this server. Never writes them.
import type { DnsSettings } from '../../../lib/actor/settings.ts';
import type { EndpointSlice, Service } from '../../../lib/api/generated/types.ts';

export const KUBE_DNS = { namespace: 'kube-system', name: 'kube-dns' } as const;

export interface KubeDnsObjects {
  service: Service;
  slice: EndpointSlice;
}

/** The service has no selector: this server is no pod, so it writes its endpoints itself. */
export function kubeDnsObjects(settings: DnsSettings): KubeDnsObjects {
  const { dnsIp } = settings.cluster;
  const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' };
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...KUBE_DNS, labels: { ...labels, 'kubernetes.io/cluster-service': 'true' } },
      spec: {
        type: 'ClusterIP',
        clusterIP: dnsIp,
        clusterIPs: [dnsIp],
        ports: [
          { name: 'dns', protocol: 'UDP', port: 53, targetPort: settings.port },
          { name: 'dns-tcp', protocol: 'TCP', port: 53, targetPort: settings.port },
        ],
      },
    },
    slice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...KUBE_DNS,
        labels: {
          ...labels,
          'kubernetes.io/service-name': KUBE_DNS.name,
          'endpointslice.kubernetes.io/managed-by': 'dns.flotilla',
        },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: [settings.listen], conditions: { ready: true, serving: true, terminating: false } }],
      ports: [
        { name: 'dns', protocol: 'UDP', port: settings.port },
        { name: 'dns-tcp', protocol: 'TCP', port: settings.port },
      ],
    },
  };
}

/** What has to be written over what is there; undefined: nothing. Fields of others stay. */
export function serviceUpdate(there: Service, wanted: Service): Service | undefined {
  const same =
    there.spec.clusterIP === wanted.spec.clusterIP && portsOf(there.spec.ports) === portsOf(wanted.spec.ports);
  const { selector, ...spec } = there.spec;
  return same && selector === undefined ? undefined : { ...there, spec: { ...spec, ...wanted.spec } };
}

export function sliceUpdate(there: EndpointSlice, wanted: EndpointSlice): EndpointSlice | undefined {
  const addresses = (slice: EndpointSlice): string =>
    (slice.endpoints ?? [])
      .map((endpoint) => `${endpoint.addresses.join()} ${endpoint.conditions?.ready !== false}`)
      .join();
  const label = 'kubernetes.io/service-name';
  const same =
    addresses(there) === addresses(wanted) &&
    portsOf(there.ports) === portsOf(wanted.ports) &&
    there.metadata.labels?.[label] === wanted.metadata.labels?.[label];
  return same
    ? undefined
    : {
        ...there,
        metadata: { ...there.metadata, labels: { ...there.metadata.labels, ...wanted.metadata.labels } },
        endpoints: wanted.endpoints,
        ports: wanted.ports,
      };
}

interface Port {
  name?: string | undefined;
  protocol?: string | undefined;
  port?: number | undefined;
  targetPort?: number | string | undefined;
}

function portsOf(ports: readonly Port[] | undefined): string {
  return (ports ?? []).map((each) => `${each.name} ${each.protocol} ${each.port} ${each.targetPort ?? ''}`).join();
}
