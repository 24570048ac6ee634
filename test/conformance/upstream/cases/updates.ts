// Requests that change what is there: what of it may not change, how often a finding is told among the causes, and which statuses
// are refused.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = '/api/v1/namespaces/updates';
const inGroup = (group: string, resource: string): string => `/apis/${group}/namespaces/updates/${resource}`;

interface Asked {
  kind: string;
  path: string;
  object: Record<string, any>;
  /** Is written to `/status` first. */
  status?: object;
  /** Each a merge of fields into the object that is there, alone. */
  changes?: Record<string, object>;
  statuses?: Record<string, object>;
}

/** All that the metadata's checks can find: their order tells how often each is made. */
const WRONG = { labels: { 'x!': 'y' }, deletionGracePeriodSeconds: 7, finalizers: ['zz', 'A b!'] };
const container = { name: 'c', image: 'nginx' };
const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [container] } };
const selector = { matchLabels: { app: 'x' } };
const TIME = '2026-01-01T00:00:00Z';
const condition = { type: 'Ready', status: 'True', reason: 'R', message: 'm', lastTransitionTime: TIME };

const KINDS: readonly Asked[] = [
  {
    kind: 'config map',
    path: `${NS}/configmaps`,
    object: { metadata: { name: 'a' }, data: { a: 'b' } },
    changes: {
      'another uid': { metadata: { uid: 'x' } },
      'no name': { metadata: { name: null } },
      'another time of creation': { metadata: { creationTimestamp: TIME } },
      'an end': { metadata: { deletionTimestamp: TIME } },
      'a link': { metadata: { selfLink: '/x' } },
      'two ends': { metadata: { finalizers: ['orphan', 'foregroundDeletion'] } },
    },
  },
  {
    kind: 'claim',
    path: `${NS}/persistentvolumeclaims`,
    object: {
      metadata: { name: 'c' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } },
    },
    changes: { 'no modes': { spec: { accessModes: null } } },
  },
  {
    kind: 'daemon set',
    path: inGroup('apps/v1', 'daemonsets'),
    object: { metadata: { name: 'd' }, spec: { selector, template } },
    status: {
      collisionCount: 2,
      currentNumberScheduled: 1,
      numberMisscheduled: 0,
      desiredNumberScheduled: 1,
      numberReady: 0,
    },
    changes: { 'another selector': { spec: { selector: { matchLabels: { app: 'y' } } } } },
    statuses: { 'fewer collisions': { collisionCount: 1, numberReady: -1 } },
  },
  {
    kind: 'stateful set',
    path: inGroup('apps/v1', 'statefulsets'),
    object: { metadata: { name: 's' }, spec: { selector, template, serviceName: 's' } },
    statuses: { 'more than all': { replicas: 1, readyReplicas: 2, availableReplicas: 3 } },
  },
  {
    kind: 'lease',
    path: inGroup('coordination.k8s.io/v1', 'leases'),
    object: { metadata: { name: 'l' }, spec: { holderIdentity: 'h' } },
  },
  {
    kind: 'role',
    path: inGroup('rbac.authorization.k8s.io/v1', 'roles'),
    object: { metadata: { name: 'r' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  },
  {
    kind: 'budget',
    path: inGroup('policy/v1', 'poddisruptionbudgets'),
    object: { metadata: { name: 'b', labels: { a: 'b' } }, spec: { maxUnavailable: 1, selector } },
    statuses: {
      'odd conditions': {
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: -1,
        conditions: [condition, { ...condition, status: 'x', reason: '' }],
      },
    },
  },
  {
    kind: 'range',
    path: '/apis/networking.k8s.io/v1/servicecidrs',
    object: { metadata: { name: 'updates' }, spec: { cidrs: ['10.99.0.0/24'] } },
    statuses: { 'a condition': { conditions: [condition] } },
  },
  {
    kind: 'ingress',
    path: inGroup('networking.k8s.io/v1', 'ingresses'),
    object: { metadata: { name: 'i' }, spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
    statuses: { 'no address': { loadBalancer: { ingress: [{ ip: 'x', hostname: 'A_' }, { hostname: '1.2.3.4' }] } } },
  },
  {
    kind: 'pod',
    path: `${NS}/pods`,
    object: { metadata: { name: 'p' }, spec: { restartPolicy: 'Never', containers: [container] } },
    status: {
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
      containerStatuses: [
        { ...container, imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 0 } } },
      ],
    },
    statuses: {
      'an address in the older field': { podIPs: null, podIP: '10.0.0.2' },
      'addresses that are none': { podIP: 'x', podIPs: [{ ip: 'x' }] },
      'two of one family': { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] },
      'hosts that differ': { hostIP: '10.0.0.3', hostIPs: [{ ip: '10.0.0.4' }] },
      'one that ended, and runs': { containerStatuses: [{ ...container, state: { running: {} } }] },
      'a condition of no name': { conditions: [{ type: 'A b', status: 'True' }] },
    },
  },
  {
    kind: 'job',
    path: inGroup('batch/v1', 'jobs'),
    object: {
      metadata: { name: 'j' },
      spec: {
        completions: 3,
        completionMode: 'Indexed',
        template: { spec: { restartPolicy: 'Never', containers: [container] } },
      },
    },
    status: { startTime: TIME, active: 1, failed: 1, succeeded: 1, completedIndexes: '0' },
    statuses: {
      'fewer of all': { active: null, failed: null, succeeded: null, startTime: null },
      'an end without reasons': {
        conditions: [
          { type: 'Complete', status: 'True' },
          { type: 'Failed', status: 'True' },
        ],
      },
      'indexes that are none': { completedIndexes: '5-1', failedIndexes: '0' },
      'more ready than active': { ready: 2, uncountedTerminatedPods: { succeeded: ['', 'a'], failed: ['a'] } },
      'completed before it began': { completionTime: '2025-01-01T00:00:00Z' },
    },
  },
];

const MERGE = { 'content-type': 'application/merge-patch+json' };

const casesOf = ({ kind, path, object, status, changes = {}, statuses = {} }: Asked): Case[] => {
  const item = `${path}/${object['metadata'].name}`;
  const merged = (name: string, p: string, b: object): Case => ({
    name: `${kind}: ${name}`,
    m: 'PATCH',
    p,
    b,
    h: MERGE,
  });
  const replaced = (name: string, change: object): Case => ({
    name: `${kind}: ${name}`,
    m: 'PUT',
    p: `${item}?dryRun=All`,
    b: { ...object, ...change, metadata: { ...object['metadata'], ...(change as any).metadata } },
  });
  return [
    { name: `a ${kind}`, m: 'POST', p: path, b: object },
    ...(status === undefined ? [] : [merged('has a status', `${item}/status`, { status })]),
    merged('wrong metadata', `${item}?dryRun=All`, { metadata: WRONG }),
    ...(status === undefined && Object.keys(statuses).length === 0
      ? []
      : [merged('wrong metadata beside its status', `${item}/status?dryRun=All`, { metadata: WRONG })]),
    ...Object.entries(changes).map(([name, change]) =>
      'metadata' in change ? replaced(name, change) : merged(name, `${item}?dryRun=All`, change),
    ),
    ...Object.entries(statuses).map(([name, change]) =>
      merged(name, `${item}/status?dryRun=All`, { metadata: { labels: { told: 'here' } }, status: change }),
    ),
  ];
};

export const cases: readonly Case[] = [
  ...createNamespace('updates'),
  ...KINDS.flatMap(casesOf),
  {
    name: 'a budget with a finalizer of no domain',
    m: 'POST',
    p: `${inGroup('policy/v1', 'poddisruptionbudgets')}?dryRun=All`,
    b: { metadata: { name: 'A b', finalizers: ['zz'] }, spec: {} },
  },
  { name: 'an eviction of no name', m: 'POST', p: `${NS}/pods/p/eviction?dryRun=All`, b: {} },
  { name: 'an eviction of another', m: 'POST', p: `${NS}/pods/none/eviction`, b: { metadata: { name: 'p' } } },
  { name: 'a binding of no name', m: 'POST', p: `${NS}/pods/p/binding?dryRun=All`, b: { target: { name: 'n' } } },
  { name: 'logs of a pod without a node', p: `${NS}/pods/p/log?tailLines=-1&limitBytes=0&stream=Stdout` },
  { name: 'logs since a text', p: `${NS}/pods/p/log?sinceSeconds=x` },
  {
    name: 'a namespace of a name with dots',
    m: 'POST',
    p: '/api/v1/namespaces?dryRun=All',
    b: { metadata: { name: 'a.b' } },
  },
];

const OF_SERVER = "an annotation that the server adds is no field of its creator's here";

export const differs = {
  'a daemon set': OF_SERVER,
  'daemon set: has a status': OF_SERVER,
  'claim: no modes': "upstream prints what changed in Go's words",
};
