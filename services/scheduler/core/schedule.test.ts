// Shows where pods go and what is said when they can go nowhere, plugin by plugin, in upstream's words.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { Container, Node, Pod, PodSpec, Taint } from '../../../lib/api/generated/types.ts';
import { seededChance } from '../../../lib/base/chance.ts';
import { PLUGINS } from '../plugins/index.ts';
import { ClusterState } from './cluster-state.ts';
import { podInfo } from './pod-info.ts';
import { requestsOf } from './resources.ts';
import { ENOUGH_NODES, schedule, unschedulableMessage, type Decision } from './schedule.ts';

interface NodeTraits {
  cpu?: string;
  memory?: string;
  pods?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  unschedulable?: boolean;
  more?: Record<string, string>;
}

function node(
  name: string,
  { cpu = '2', memory = '4Gi', pods = '110', labels, taints, unschedulable, more }: NodeTraits = {},
): Node {
  return {
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec: { ...(taints === undefined ? {} : { taints }), ...(unschedulable === undefined ? {} : { unschedulable }) },
    status: { allocatable: { cpu, memory, pods, ...more } },
  };
}

const byText = (a = '', b = ''): number => a.localeCompare(b);
let made = 0;
function container(requests: Record<string, string> = {}, more: Partial<Container> = {}): Container {
  return { name: 'c', resources: { requests }, ...more };
}
function pod(spec: Partial<PodSpec> = {}, owner?: string): Pod {
  const uid = `uid-${++made}`;
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: owner ?? '', controller: true },
  ];
  return {
    metadata: { name: uid, namespace: 'default', uid, ...(owner === undefined ? {} : { ownerReferences }) },
    spec: { containers: [container({ cpu: '100m', memory: '128Mi' })], ...spec },
  };
}

function place(nodes: Node[], wanted: Pod, bound: Array<[Pod, string]> = [], seed = 1): Decision {
  const state = new ClusterState();
  nodes.forEach((one) => state.setNode(one));
  for (const [one, nodeName] of bound) state.setPod({ ...one, spec: { ...one.spec, nodeName } });
  return schedule(state, podInfo(wanted), PLUGINS, seededChance(seed));
}
const placeOf = (decision: Decision): string | undefined => ('node' in decision ? decision.node : undefined);
const told = (decision: Decision): string =>
  'node' in decision ? `bound to ${decision.node}` : unschedulableMessage(decision);

const NODES = [node('a'), node('b'), node('c')];
const affinity = (key: string, operator: string, values?: string[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] }],
      },
    },
  },
});
const NO_AFFINITY = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
const port = (hostPort: number, hostIP?: string, protocol?: string): Partial<PodSpec> => ({
  containers: [
    container(
      {},
      {
        ports: [
          {
            containerPort: 1,
            hostPort,
            ...(hostIP === undefined ? {} : { hostIP }),
            ...(protocol === undefined ? {} : { protocol }),
          },
        ],
      },
    ),
  ],
});

/** What it is about, nodes, the pod, pods that are there, what is said. */
const STORIES: Array<[string, Node[], Pod, Array<[Pod, string]>, string]> = [
  [
    'too much cpu',
    NODES,
    pod({ containers: [container({ cpu: '3' })] }),
    [],
    '0/3 nodes are available: 3 Insufficient cpu.',
  ],
  [
    'two reasons on one node are both told, sorted as text',
    NODES,
    pod({ containers: [container({ cpu: '3', memory: '5Gi', 'example.com/gpu': '1' })] }),
    [],
    '0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient example.com/gpu, 3 Insufficient memory.',
  ],
  [
    'each node for its own reason',
    [
      node('a', { unschedulable: true }),
      node('b', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
      node('c', { cpu: '50m' }),
      node('d', { taints: [{ key: 'team', value: 'ml', effect: 'NoExecute' }] }),
    ],
    pod(),
    [],
    '0/4 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, ' +
      '1 node(s) had untolerated taint {team: ml}, 1 node(s) were unschedulable.',
  ],
  ['no nodes at all', [], pod(), [], 'no nodes available to schedule pods'],
  [
    'what others asked for is gone',
    [node('a')],
    pod({ containers: [container({ cpu: '1500m' })] }),
    [[pod({ containers: [container({ cpu: '600m' })] }), 'a']],
    '0/1 nodes are available: 1 Insufficient cpu.',
  ],
  [
    'exactly what is left fits',
    [node('a')],
    pod({ containers: [container({ cpu: '1400m' })] }),
    [[pod({ containers: [container({ cpu: '600m' })] }), 'a']],
    'bound to a',
  ],
  [
    'too many pods',
    [node('a', { pods: '1' })],
    pod({ containers: [container()] }),
    [[pod(), 'a']],
    '0/1 nodes are available: 1 Too many pods.',
  ],
  ['no requests always fit', [node('a', { cpu: '0' })], pod({ containers: [container()] }), [], 'bound to a'],
  [
    'cordoned, tolerated',
    [node('a', { unschedulable: true })],
    pod({ tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }),
    [],
    'bound to a',
  ],
  [
    'tainted, tolerated by value',
    [node('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] })],
    pod({ tolerations: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }),
    [],
    'bound to a',
  ],
  [
    'tainted, tolerated for another effect',
    [node('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] })],
    pod({ tolerations: [{ key: 'k', value: 'v', effect: 'NoExecute' }] }),
    [],
    '0/1 nodes are available: 1 node(s) had untolerated taint {k: v}.',
  ],
  [
    'tolerates everything',
    [node('a', { taints: [{ key: 'k', effect: 'NoExecute' }] })],
    pod({ tolerations: [{ operator: 'Exists' }] }),
    [],
    'bound to a',
  ],
  ['nodeSelector', [node('a', { labels: { disk: 'hdd' } })], pod({ nodeSelector: { disk: 'ssd' } }), [], NO_AFFINITY],
  ['In', [node('a', { labels: { z: '1' } })], pod(affinity('z', 'In', ['1', '2'])), [], 'bound to a'],
  ['In, not', [node('a', { labels: { z: '3' } })], pod(affinity('z', 'In', ['1', '2'])), [], NO_AFFINITY],
  ['NotIn holds where the label is absent', [node('a')], pod(affinity('z', 'NotIn', ['1'])), [], 'bound to a'],
  ['Exists', [node('a')], pod(affinity('z', 'Exists')), [], NO_AFFINITY],
  ['DoesNotExist', [node('a')], pod(affinity('z', 'DoesNotExist')), [], 'bound to a'],
  ['Gt', [node('a', { labels: { z: '10' } })], pod(affinity('z', 'Gt', ['9'])), [], 'bound to a'],
  ['Lt', [node('a', { labels: { z: '10' } })], pod(affinity('z', 'Lt', ['9'])), [], NO_AFFINITY],
  ['Gt of no number', [node('a', { labels: { z: 'ten' } })], pod(affinity('z', 'Gt', ['9'])), [], NO_AFFINITY],
  [
    'the same host port',
    [node('a')],
    pod(port(80)),
    [[pod(port(80)), 'a']],
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  ],
  [
    'the same host port on one of all addresses',
    [node('a')],
    pod(port(80, '127.0.0.1')),
    [[pod(port(80)), 'a']],
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  ],
  [
    'other address, other protocol',
    [node('a')],
    pod(port(80, '127.0.0.1', 'TCP')),
    [
      [pod(port(80, '127.0.0.2')), 'a'],
      [pod(port(80, '127.0.0.1', 'UDP')), 'a'],
    ],
    'bound to a',
  ],
];
for (const [about, nodes, wanted, bound, expected] of STORIES)
  test(about, (t) => t.is(told(place(nodes, wanted, bound)), expected));

test('a pod needs the most that it needs at any moment', (t) => {
  const requests = requestsOf(
    pod({
      initContainers: [
        container({ cpu: '1', memory: '10Mi' }),
        container({ cpu: '200m', memory: '20Mi' }, { restartPolicy: 'Always' }),
        container({ cpu: '900m', memory: '1Mi' }),
      ],
      containers: [container({ cpu: '300m', memory: '30Mi' }), container({ cpu: '100m', memory: '40Mi' })],
      overhead: { cpu: '50m', memory: '1Mi' },
    }),
  );
  // The third init container beside the sidecar: 1100m; sidecar and both containers: 90Mi.
  t.deepEqual(requests, { cpu: 1150, memory: 91 * 1024 * 1024 });
});

test('requests of the pod as a whole replace those of its containers', (t) => {
  const requests = requestsOf(pod({ resources: { requests: { cpu: '2' } } }));
  t.deepEqual(requests, { cpu: 2000, memory: 128 * 1024 * 1024 });
});

test('three replicas go to three nodes, whatever chance says, even where one node is fuller', (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const state = new ClusterState();
    NODES.forEach((one) => state.setNode(one));
    state.setPod(pod({ nodeName: 'a', containers: [container({ cpu: '1', memory: '3Gi' })] }));
    const chance = seededChance(seed);
    const placed = Array.from({ length: 3 }, () => {
      const info = podInfo(pod({}, 'set-1'));
      const decision = schedule(state, info, PLUGINS, chance);
      state.assume(info, placeOf(decision)!);
      return placeOf(decision);
    });
    t.is(placed.toSorted(byText).join(), 'a,b,c');
  }
});

test('the emptier node is better; equal nodes all get their turn', (t) => {
  const full: Array<[Pod, string]> = [[pod({ containers: [container({ cpu: '1', memory: '2Gi' })] }), 'a']];
  t.is(placeOf(place([node('a'), node('b')], pod(), full)), 'b');
  const seen = new Set(Array.from({ length: 60 }, (_, seed) => placeOf(place(NODES, pod(), [], seed))));
  t.is([...seen].toSorted(byText).join(), 'a,b,c');
});

test('PreferNoSchedule is avoided, preferred affinity is sought, neither rules out', (t) => {
  const soft = node('a', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] });
  t.is(placeOf(place([soft, node('b')], pod())), 'b');
  t.is(placeOf(place([soft], pod())), 'a');
  const preferred: Partial<PodSpec> = {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
        ],
      },
    },
  };
  t.is(placeOf(place([node('a'), node('b', { labels: { disk: 'ssd' } })], pod(preferred))), 'b');
  t.is(placeOf(place([node('a')], pod(preferred))), 'a');
});

test('in a large cluster enough nodes are enough, and a lone fitting one is still found', (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => node(`n${i}`, i === 777 ? { cpu: '64' } : {}));
  const decision = place(many, pod());
  t.is('node' in decision && decision.feasible, ENOUGH_NODES);
  t.is(placeOf(place(many, pod({ containers: [container({ cpu: '32' })] }))), 'n777');
});

test('no node is ever asked for more than it offers', (t) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 1500 }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.integer(), sizes, (seed, millis) => {
      const state = new ClusterState();
      NODES.forEach((one) => state.setNode(one));
      for (const cpu of millis) {
        const info = podInfo(pod({ containers: [container({ cpu: `${cpu}m` })] }));
        const decision = schedule(state, info, PLUGINS, seededChance(seed));
        if ('node' in decision) state.assume(info, decision.node);
        else t.true(state.nodes.every((one) => 2000 - (one.requested['cpu'] ?? 0) < cpu));
      }
      for (const one of state.nodes) t.true((one.requested['cpu'] ?? 0) <= 2000);
    }),
  );
});
