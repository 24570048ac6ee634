// Shows which elements a service asks for, by policy, affinity and the state of its endpoints.
import test from 'ava';
import type { EndpointConditions, EndpointSlice, Service } from '../../../lib/api/generated/types.ts';
import { chainName, chainRules, chainShape } from './chains.ts';
import { serviceRules, type NodeFacts } from './service-rules.ts';

const facts: NodeFacts = {
  node: 'n1',
  nodePodCidr: '10.244.1.0/24',
  podCidr: '10.244.0.0/16',
  nonMasqueradeCidrs: [],
};

const service = (spec: Partial<Service['spec']>, more: Partial<Service> = {}): Service => ({
  metadata: { namespace: 'default', name: 'web' },
  spec: { clusterIP: '10.96.0.20', ports: [{ port: 80 }], ...spec },
  ...more,
});

/** `['10.244.1.2', 'n1']`, with conditions if they are not just ready. */
type End = [ip: string, node: string, conditions?: EndpointConditions];
const slice = (...ends: End[]): EndpointSlice => ({
  metadata: { namespace: 'default', name: 'web-a' },
  addressType: 'IPv4',
  endpoints: ends.map(([ip, nodeName, conditions]) => ({ addresses: [ip], nodeName, conditions })),
  ports: [{ port: 8080 }],
});

const HERE: End = ['10.244.1.2', 'n1'];
const THERE: End = ['10.244.2.2', 'n2'];
const lines = (of: Service, ...slices: EndpointSlice[]): string[] =>
  serviceRules(of, slices, facts)
    .map(({ map, key, value }) => `${map} ${key}${value === '' ? '' : ` : ${value}`}`)
    .toSorted();

test('a cluster IP with two endpoints', (t) => {
  t.deepEqual(lines(service({}), slice(THERE, HERE)), [
    'chains service-2',
    'cluster-ips 10.96.0.20',
    'endpoints 10.96.0.20 . tcp . 80 . 0x00000000 : 10.244.1.2 . 8080',
    'endpoints 10.96.0.20 . tcp . 80 . 0x00000001 : 10.244.2.2 . 8080',
    'hairpin-ips 10.244.1.2 . 10.244.1.2',
    'service-ips 10.96.0.20 . tcp . 80 : goto service-2',
  ]);
});

test('without endpoints every entrance is refused', (t) => {
  const of = service({ ports: [{ port: 80, nodePort: 30080 }], externalIPs: ['203.0.113.9'] });
  t.deepEqual(lines(of), [
    'cluster-ips 10.96.0.20',
    'no-endpoint-nodeports tcp . 30080 : goto reject-chain',
    'no-endpoint-services 10.96.0.20 . tcp . 80 : goto reject-chain',
    'no-endpoint-services 203.0.113.9 . tcp . 80 : goto reject-chain',
  ]);
});

test('an endpoint that is not ready gets nothing; one that drains only if nobody is ready', (t) => {
  const notReady: End = ['10.244.2.3', 'n2', { ready: false }];
  const draining: End = ['10.244.2.4', 'n2', { ready: false, serving: true, terminating: true }];
  const dead: End = ['10.244.2.5', 'n2', { ready: false, serving: false, terminating: true }];
  const found = (...ends: End[]): string[] =>
    lines(service({}), slice(...ends)).flatMap((line) => /^endpoints .* : (\S+)/.exec(line)?.[1] ?? []);
  t.deepEqual(found(THERE, notReady, draining, dead), ['10.244.2.2']);
  t.deepEqual(found(notReady, draining, dead), ['10.244.2.4']);
  t.deepEqual(found(notReady, dead), []);
});

test('an endpoint in two slices stands there once, and ready wins', (t) => {
  const stale = slice(['10.244.1.2', 'n1', { ready: false, serving: true, terminating: true }], THERE);
  const found = lines(service({}), stale, slice(HERE, THERE)).filter((line) => line.startsWith('endpoints '));
  t.is(found.length, 2);
});

test('node ports and external IPs are masqueraded; with Local policy only endpoints here are used, unmasked', (t) => {
  const of = (policy: string): Service =>
    service({ ports: [{ port: 80, nodePort: 30080 }], externalIPs: ['203.0.113.9'], externalTrafficPolicy: policy });
  const verdicts = (policy: string, ...ends: End[]): string[] =>
    lines(of(policy), slice(...ends)).filter((line) => line.includes('goto') || line.includes('drop'));
  t.deepEqual(verdicts('Cluster', HERE, THERE), [
    'service-ips 10.96.0.20 . tcp . 80 : goto service-2',
    'service-ips 203.0.113.9 . tcp . 80 : goto service-2-masquerade',
    'service-nodeports tcp . 30080 : goto nodeport-2-masquerade',
  ]);
  t.deepEqual(verdicts('Local', HERE, THERE), [
    'service-ips 10.96.0.20 . tcp . 80 : goto service-2',
    'service-ips 203.0.113.9 . tcp . 80 : goto service-2-local1',
    'service-nodeports tcp . 30080 : goto nodeport-2-local1',
  ]);
  t.deepEqual(verdicts('Local', THERE), [
    'no-endpoint-nodeports tcp . 30080 : goto drop-external',
    'no-endpoint-services 203.0.113.9 . tcp . 80 : goto drop-external',
    'service-ips 10.96.0.20 . tcp . 80 : goto service-1',
    'service-ips 203.0.113.9 . tcp . 80 : goto service-1-local0',
    'service-nodeports tcp . 30080 : goto nodeport-1-local0',
  ]);
});

test('internalTrafficPolicy Local keeps to this node, and drops when nobody is here', (t) => {
  const of = service({ internalTrafficPolicy: 'Local' });
  t.true(lines(of, slice(HERE, THERE)).includes('service-ips 10.96.0.20 . tcp . 80 : goto service-1'));
  t.true(lines(of, slice(THERE)).includes('no-endpoint-services 10.96.0.20 . tcp . 80 : drop'));
  t.true(lines(of).includes('no-endpoint-services 10.96.0.20 . tcp . 80 : goto reject-chain'));
});

test('session affinity gives endpoints ids that outlive their places', (t) => {
  const of = service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } });
  const ids = (...ends: End[]): string[] =>
    lines(of, slice(...ends)).filter((line) => line.startsWith('affinity-endpoints'));
  t.true(lines(of, slice(HERE, THERE)).includes('service-ips 10.96.0.20 . tcp . 80 : goto service-2-sticky600'));
  t.is(ids(HERE, THERE).length, 2);
  t.true(ids(HERE, THERE).includes(ids(THERE)[0]!));
  t.false(lines(of, slice(HERE)).some((line) => line.startsWith('endpoints ')));
});

test('named ports and protocols pick their own endpoints', (t) => {
  const of = service({
    ports: [
      { name: 'http', port: 80 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  });
  const named = {
    ...slice(HERE),
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 5353, protocol: 'UDP' },
      { name: 'other', port: 1 },
    ],
  };
  t.deepEqual(
    lines(of, named).filter((line) => line.startsWith('endpoints ')),
    [
      'endpoints 10.96.0.20 . tcp . 80 . 0x00000000 : 10.244.1.2 . 8080',
      'endpoints 10.96.0.20 . udp . 53 . 0x00000000 : 10.244.1.2 . 5353',
    ],
  );
});

test('a load balancer address obeys source ranges, without overlaps', (t) => {
  const of = service(
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8', '10.1.0.0/16', '192.0.2.7/32', 'nonsense'] },
    { status: { loadBalancer: { ingress: [{ ip: '203.0.113.10' }, { ip: '203.0.113.11', ipMode: 'Proxy' }] } } },
  );
  t.deepEqual(
    lines(of, slice(HERE)).filter((line) => line.startsWith('lb-')),
    [
      'lb-restricted 203.0.113.10 . tcp . 80',
      'lb-sources 203.0.113.10 . tcp . 80 . 10.0.0.0/8',
      'lb-sources 203.0.113.10 . tcp . 80 . 192.0.2.7',
    ],
  );
});

test('what a proxy must not serve, and what is malformed, makes no rule', (t) => {
  const none: Array<Partial<Service['spec']>> = [
    { clusterIP: 'None' },
    { clusterIP: '' },
    { clusterIP: '10.96.0.20; drop' },
    { clusterIP: '10.96.0.300' },
    { clusterIP: 'fd00::1' },
    { type: 'ExternalName', externalName: 'example.com' },
    { ports: [{ port: 0 }] },
    { ports: [{ port: 80, protocol: 'ICMP' }] },
  ];
  for (const spec of none) t.deepEqual(lines(service(spec), slice(HERE)), []);
  const other = service({}, { metadata: { name: 'web', labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } });
  t.deepEqual(lines(other, slice(HERE)), []);
  const bad = slice(['10.244.1.2 }', 'n1'], ['::1', 'n1']);
  t.true(lines(service({ externalIPs: ['} evil'] }), bad).every((line) => /^[\w.: -]+$/.test(line)));
});

test('a chain is told by its name alone', (t) => {
  for (const name of [
    'service-2',
    'nodeport-3-masquerade',
    'service-4-local0-sticky60',
    'service-1-masquerade-sticky9',
  ]) {
    t.is(chainName(chainShape(name)!), name);
    t.true(chainRules(name, '10.244.1.0/24').length > 0);
  }
  t.is(chainShape('services'), undefined);
  t.is(chainRules('service-4-local0', '10.244.1.0/24').length, 2);
});
