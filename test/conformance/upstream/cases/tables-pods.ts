// Requests for pods and nodes as rows, in every state that upstream's printers tell apart.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';
import { ending, listed, rowsOf, type State } from '../rows.ts';

const PODS = '/api/v1/namespaces/rows/pods';
const NODES = '/api/v1/nodes';
const LONG_AGO = '2001-02-03T04:05:06Z';
const LATER = '2010-02-03T04:05:06Z';

const container = (name: string, more: object = {}): object => ({ name, image: `${name}:1`, ...more });
const sidecar = (name: string): object => container(name, { restartPolicy: 'Always' });
const told = (name: string, state: object, more: object = {}): object => ({
  name,
  image: `${name}:1`,
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  ...more,
});
const ready = (name: string, more: object = {}): object =>
  told(name, { running: { startedAt: LONG_AGO } }, { ready: true, started: true, ...more });
const waiting = (reason?: string): object => ({ waiting: reason === undefined ? {} : { reason } });
const ended = (exitCode: number, more: object = {}): object => ({ terminated: { exitCode, ...more } });
const endedBefore = (finishedAt: string): object => ({ lastState: ended(1, { finishedAt }) });
const condition = (type: string, status: string, more: object = {}): object => ({ type, status, ...more });

const AB = [container('a'), container('b')];
const pod = (name: string, status: object | undefined, spec: object = {}, metadata: object = {}): State => ({
  metadata: { name, ...metadata },
  spec: { containers: AB, ...spec },
  ...(status === undefined ? {} : { status }),
});
const main = (name: string, containerStatuses: object[], more: object = {}, spec: object = {}): State =>
  pod(name, { phase: 'Running', containerStatuses, ...more }, spec);
const init = (name: string, initContainerStatuses: object[], more: object = {}, spec: object = {}): State =>
  pod(
    name,
    { phase: 'Pending', initContainerStatuses, ...more },
    { initContainers: [container('i'), container('j')], ...spec },
  );

const PHASES: State[] = [
  pod('phase-none', undefined),
  pod('phase-running', { phase: 'Running' }),
  pod('phase-succeeded', { phase: 'Succeeded' }),
  pod('phase-failed', { phase: 'Failed', reason: 'Evicted', message: 'no room' }),
  pod('phase-unknown', { phase: 'Unknown' }),
  pod('phase-of-a-reason', { phase: 'Pending', reason: 'NodeAffinity' }),
  pod('gated', undefined, { schedulingGates: [{ name: 'example.com/wait' }] }),
  pod('gated-and-waiting', {
    phase: 'Pending',
    conditions: [condition('PodScheduled', 'False', { reason: 'SchedulingGated' })],
    containerStatuses: [told('a', waiting('ContainerCreating'))],
  }),
  pod('gated-and-beginning', {
    phase: 'Pending',
    conditions: [condition('PodScheduled', 'False', { reason: 'SchedulingGated' })],
    initContainerStatuses: [told('i', waiting())],
  }),
];

const MAIN: State[] = [
  main('all-ready', [ready('a'), ready('b')], { podIP: '10.1.2.3', podIPs: [{ ip: '10.1.2.3' }, { ip: 'fd00::3' }] }),
  main('half-ready', [ready('a'), told('b', { running: {} })]),
  main('creating', [told('a', waiting('ContainerCreating')), told('b', waiting('ContainerCreating'))]),
  main('waiting-for-nothing', [told('a', waiting()), ready('b')]),
  main('crash-loop', [
    told('a', waiting('CrashLoopBackOff'), { restartCount: 3, ...endedBefore(LONG_AGO) }),
    ready('b', { restartCount: 2, ...endedBefore(LATER) }),
  ]),
  main('restarts-of-no-time', [ready('a', { restartCount: 3 }), ready('b')]),
  main('ended-before-but-no-restarts', [ready('a', endedBefore(LONG_AGO)), ready('b')]),
  main('two-reasons', [told('a', waiting('ErrImagePull')), told('b', waiting('ImagePullBackOff'))]),
  main('out-of-memory', [told('a', ended(137, { reason: 'OOMKilled' })), ready('b')]),
  main('exit-code', [told('a', ended(3)), ready('b')]),
  main('signal', [told('a', ended(137, { signal: 9 })), ready('b')]),
  main('completed-and-ready', [told('a', ended(0, { reason: 'Completed' })), ready('b')], {
    conditions: [condition('Ready', 'True')],
  }),
  main('completed-and-not-ready', [told('a', ended(0, { reason: 'Completed' })), ready('b')]),
  main('completed-and-not-running', [told('a', ended(0, { reason: 'Completed' })), told('b', { running: {} })]),
  main('ready-but-waiting', [told('a', waiting('Odd'), { ready: true }), ready('b')]),
  main('a-reason-of-its-own', [ready('a')], { reason: 'Shutdown' }),
  main('all-completed', [told('a', ended(0, { reason: 'Completed' })), told('b', ended(0, { reason: 'Completed' }))], {
    phase: 'Succeeded',
  }),
  main('one-failed', [told('a', ended(1, { reason: 'Error' })), told('b', ended(0, { reason: 'Completed' }))], {
    phase: 'Failed',
  }),
];

const WITH_SIDECARS = { initContainers: [sidecar('s'), container('i'), sidecar('t')] };
const INIT: State[] = [
  init('init-first', [told('i', { running: {} }), told('j', waiting('PodInitializing'))]),
  init('init-second', [told('i', ended(0)), told('j', { running: {} })]),
  init('init-waiting', [told('i', ended(0)), told('j', waiting('PodInitializing'))]),
  init('init-crash', [
    told('i', waiting('CrashLoopBackOff'), { restartCount: 4, ...endedBefore(LATER) }),
    told('j', waiting('PodInitializing')),
  ]),
  init('init-exit', [told('i', ended(2))]),
  init('init-signal', [told('i', ended(2, { signal: 15 }))]),
  init('init-error', [told('i', ended(2, { reason: 'Error' }))]),
  init('init-done', [told('i', ended(0), { restartCount: 2, ...endedBefore(LATER) }), told('j', ended(0))], {
    phase: 'Running',
    containerStatuses: [ready('a'), ready('b', { restartCount: 1, ...endedBefore(LONG_AGO) })],
  }),
  init('init-again', [told('i', { running: {} })], {
    phase: 'Running',
    conditions: [condition('Initialized', 'True')],
    containerStatuses: [ready('a'), ready('b')],
  }),
  init('init-not-initialized', [told('i', { running: {} })], {
    conditions: [condition('Initialized', 'False'), condition('Initialized', 'True')],
    containerStatuses: [ready('a')],
  }),
  init('init-with-no-status', []),
  init('sidecars-begin', [told('s', { running: {} }, { started: false })], {}, WITH_SIDECARS),
  init('sidecars-ready-not-started', [told('s', { running: {} }, { ready: true })], {}, WITH_SIDECARS),
  init('sidecars-started', [ready('s'), told('i', { running: {} })], {}, WITH_SIDECARS),
  init(
    'sidecars-run',
    [
      ready('s', { restartCount: 2, ...endedBefore(LONG_AGO) }),
      told('i', ended(0), { restartCount: 7, ...endedBefore(LATER) }),
      ready('t', { ready: false }),
    ],
    { phase: 'Running', containerStatuses: [ready('a'), ready('b', { restartCount: 1 })] },
    WITH_SIDECARS,
  ),
  init(
    'sidecars-completed-and-ready',
    [told('s', ended(0, { reason: 'Completed' }), { ready: true, started: true }), told('i', ended(0)), ready('t')],
    { phase: 'Running', containerStatuses: [ready('a'), ready('b')] },
    WITH_SIDECARS,
  ),
  init(
    'sidecars-failed',
    [told('s', ended(1, { reason: 'Error' }), { started: true }), told('i', waiting())],
    {},
    WITH_SIDECARS,
  ),
];

const PLACED = { nodeName: 'node-a' };
const ELSEWHERE: State[] = [
  pod('placed', { phase: 'Running', podIP: '10.1.2.4', podIPs: [{ ip: '10.1.2.4' }] }, PLACED),
  pod('nominated', { phase: 'Pending', nominatedNodeName: 'node-b' }),
  pod(
    'readiness-gates',
    {
      phase: 'Running',
      conditions: [
        condition('example.com/a', 'True'),
        condition('example.com/b', 'False'),
        condition('example.com/c', 'False'),
        condition('example.com/c', 'True'),
      ],
    },
    { readinessGates: ['a', 'b', 'c', 'd'].map((each) => ({ conditionType: `example.com/${each}` })) },
  ),
  pod('ends', { phase: 'Running', containerStatuses: [ready('a')] }, PLACED),
  pod('ends-on-a-lost-node', { phase: 'Running', reason: 'NodeLost' }, PLACED),
  pod('ends-and-was-evicted', { phase: 'Failed', reason: 'Evicted' }, PLACED, { finalizers: ['example.com/stay'] }),
  pod(
    'ends-and-has-completed',
    { phase: 'Succeeded', containerStatuses: [told('a', ended(0, { reason: 'Completed' }))] },
    PLACED,
    { finalizers: ['example.com/stay'] },
  ),
];

const addresses = (...told: Array<[type: string, address: string]>): object[] =>
  told.map(([type, address]) => ({ type, address }));
const node = (name: string, status: object = {}, spec: object = {}, labels: object = {}): State => ({
  metadata: { name, labels },
  spec,
  status,
});
const INFO = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  operatingSystem: 'linux',
  architecture: 'amd64',
  kubeProxyVersion: '',
  kernelVersion: '6.1.0',
  osImage: 'Some Linux 12',
  containerRuntimeVersion: 'containerd://2.0.0',
  kubeletVersion: 'v1.33.13',
};
const NODE_STATES: State[] = [
  node('plain'),
  node('ready', { conditions: [condition('MemoryPressure', 'False'), condition('Ready', 'True')], nodeInfo: INFO }),
  node('not-ready', { conditions: [condition('Ready', 'False')] }),
  node('unknown', { conditions: [condition('Ready', 'Unknown')] }),
  node('cordoned', { conditions: [condition('Ready', 'True')] }, { unschedulable: true }),
  node('cordoned-and-unheard-of', {}, { unschedulable: true }),
  node(
    'of-roles',
    {},
    {},
    {
      'node-role.kubernetes.io/worker': '',
      'node-role.kubernetes.io/control-plane': 'x',
      'kubernetes.io/role': 'master',
      'node-role.kubernetes.io/Zone': '',
    },
  ),
  node('of-an-old-role', {}, {}, { 'kubernetes.io/role': 'worker', 'node-role.kubernetes.io/worker': '' }),
  node('of-an-empty-role', {}, {}, { 'kubernetes.io/role': '' }),
  node('of-addresses', {
    addresses: addresses(
      ['Hostname', 'n'],
      ['ExternalIP', '5.6.7.8'],
      ['InternalIP', '10.0.0.8'],
      ['InternalIP', 'fd00::8'],
      ['ExternalIP', '5.6.7.9'],
    ),
  }),
  node('of-a-name-only', { addresses: addresses(['Hostname', 'n'], ['InternalDNS', 'n.example.com']) }),
];

export const cases: readonly Case[] = [
  ...createNamespace('rows'),
  ...rowsOf('pods', PODS, [...PHASES, ...MAIN, ...INIT, ...ELSEWHERE]),
  ...['ends', 'ends-on-a-lost-node', 'ends-and-was-evicted', 'ends-and-has-completed'].map((name) =>
    ending('pods', `${PODS}/${name}`),
  ),
  listed('pods that end', PODS, 'fieldSelector=spec.nodeName=node-a'),
  ...rowsOf('nodes', NODES, NODE_STATES),
];
