// Decides the objects by which pods reach the DNS actor: a Service without selector and its endpoints. Never sends them.
import type { ClusterFacts } from '../../lib/actor/settings.ts';
import type { Manifest } from '../edge/manifests.ts';

const PORTS = [
  { name: 'dns', protocol: 'UDP' },
  { name: 'dns-tcp', protocol: 'TCP' },
];

export function dnsObjects(facts: ClusterFacts, endpoint: { ip: string; port: number }): Array<Manifest['object']> {
  const labels = {
    'k8s-app': 'kube-dns',
    'kubernetes.io/cluster-service': 'true',
    'kubernetes.io/name': 'flotilla-dns',
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system', labels } as Manifest['object']['metadata'],
      spec: {
        clusterIP: facts.dnsIp,
        clusterIPs: [facts.dnsIp],
        ports: PORTS.map((port) => ({ ...port, port: 53, targetPort: endpoint.port })),
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'kube-dns',
        namespace: 'kube-system',
        labels: { 'kubernetes.io/service-name': 'kube-dns', 'endpointslice.kubernetes.io/managed-by': 'flotilla' },
      } as Manifest['object']['metadata'],
      addressType: 'IPv4',
      endpoints: [{ addresses: [endpoint.ip], conditions: { ready: true, serving: true, terminating: false } }],
      ports: PORTS.map((port) => ({ ...port, port: endpoint.port })),
    },
  ];
}
