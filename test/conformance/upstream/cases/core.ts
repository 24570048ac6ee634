// Requests about pods, workloads and what they use: what is refused and in which words, what is defaulted, what its writer is
// warned of.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = '/api/v1/namespaces/core';
const APPS = '/apis/apps/v1/namespaces/core';
const BATCH = '/apis/batch/v1/namespaces/core';
const container = { name: 'c', image: 'nginx' };

const create = (name: string, path: string, body: object): Case => ({
  name,
  m: 'POST',
  p: `${path}?dryRun=All`,
  b: body,
});
const pod = (name: string, spec: object): Case =>
  create(name, `${NS}/pods`, { metadata: { name: 'p' }, spec: { containers: [container], ...spec } });
const running = (name: string, more: object): Case => pod(name, { containers: [{ ...container, ...more }] });
const workload = (labels: object, spec: object = {}): object => ({
  metadata: { name: 'w' },
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels }, spec: { containers: [container] } },
    ...spec,
  },
});
const job = (spec: object): object => ({
  metadata: { name: 'j' },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } }, ...spec },
});

export const cases: readonly Case[] = [
  ...createNamespace('core'),
  { name: 'config map', m: 'POST', p: `${NS}/configmaps`, b: { metadata: { name: 'one' }, data: { a: '1' } } },
  { name: 'config map of a wrong name', m: 'POST', p: `${NS}/configmaps`, b: { metadata: { name: 'One_' } } },
  { name: 'no such config map', p: `${NS}/configmaps/two` },
  { name: 'config maps', p: `${NS}/configmaps` },
  create('a name that is too long', `${NS}/configmaps`, { metadata: { name: 'a'.repeat(254) } }),
  create('owners that are none', `${NS}/configmaps`, { metadata: { name: 'o', ownerReferences: [{}] } }),
  create('an owner twice', `${NS}/configmaps`, {
    metadata: {
      name: 'o',
      ownerReferences: [1, 2].map(() => ({ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' })),
    },
  }),
  create('a revision of zero', `${NS}/configmaps`, { metadata: { name: 'r', resourceVersion: '0' }, data: { a: 'b' } }),
  create('a generation that nobody counts', `${NS}/configmaps`, {
    metadata: { name: 'g', generation: 7 },
    data: { a: 'b' },
  }),
  {
    name: 'pod',
    m: 'POST',
    p: `${NS}/pods`,
    b: { metadata: { generateName: 'web-' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
  {
    name: 'binding of another',
    m: 'POST',
    p: (seen) => `${NS}/pods/${seen('pod').body.metadata.name}/binding`,
    b: { metadata: { name: 'other' }, target: { kind: 'Node', name: 'n' } },
  },
  {
    name: 'delete another of that name',
    m: 'DELETE',
    p: (seen) => `${NS}/pods/${seen('pod').body.metadata.name}`,
    b: { preconditions: { uid: 'another' } },
  },
  { name: 'delete that pod', m: 'DELETE', p: (seen) => `${NS}/pods/${seen('pod').body.metadata.name}` },
  running('an image that is none', { image: 'Not/An/Image' }),
  running('environments', {
    envFrom: [{}],
    env: [{ name: 'A', value: 'b', valueFrom: { secretKeyRef: { name: 's' } } }],
  }),
  running('field references', {
    env: [
      { name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } },
      { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } },
      { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } },
    ],
  }),
  running('mounts and devices', { volumeMounts: [{ subPath: '../x' }], volumeDevices: [{}] }),
  running('resources', {
    resources: { limits: { ok: '1', 'a/b/c': '1', 'hugepages-2Mi': '1' }, claims: [{ name: 'x' }] },
  }),
  running('resize policies', { resizePolicy: [{}] }),
  running('probes', {
    readinessProbe: { terminationGracePeriodSeconds: 1 },
    livenessProbe: { exec: {}, httpGet: { port: 0 } },
  }),
  running('what is hidden', {
    env: [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ],
    ports: [{ containerPort: 80 }, { containerPort: 80 }],
  }),
  running('a grace that ended', { resources: { limits: { memory: '1500m' } } }),
  pod('volumes of two kinds', { volumes: [{ name: 'v', emptyDir: {}, secret: {}, downwardAPI: {}, cephfs: {} }] }),
  pod('volumes of old', {
    volumes: [
      { name: 'a', nfs: {} },
      { name: 'b', iscsi: {} },
      { name: 'c', gcePersistentDisk: {} },
      { name: 'd', csi: {} },
    ],
  }),
  pod('projections', {
    volumes: [
      {
        name: 'v',
        projected: {
          sources: [
            { secret: {} },
            { serviceAccountToken: { path: '/x', expirationSeconds: 1 } },
            { downwardAPI: { items: [{ path: '..x' }] } },
          ],
        },
      },
    ],
  }),
  pod('spreading', {
    topologySpreadConstraints: [
      { maxSkew: 0, topologyKey: '', whenUnsatisfiable: '', minDomains: 0, matchLabelKeys: ['a b'] },
    ],
  }),
  pod('affinity', {
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} },
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ['X'], mismatchLabelKeys: ['a'] }],
      },
    },
  }),
  pod('security', {
    securityContext: {
      sysctls: [{ name: 'A' }],
      seccompProfile: { type: 'Localhost' },
      appArmorProfile: {},
      fsGroupChangePolicy: 'x',
    },
  }),
  pod('names in DNS', {
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['x'], searches: ['a_b', 'A'], options: [{}] },
    hostAliases: [{ hostnames: ['A'] }],
  }),
  pod('gates', { readinessGates: [{}], schedulingGates: [{ name: 'a b' }, { name: 'a b' }] }),
  pod('ephemeral at creation', { ephemeralContainers: [{}] }),
  pod('preemption of its own', { preemptionPolicy: 'Never' }),
  pod('a negative grace', { terminationGracePeriodSeconds: -1 }),
  create('a template of others', `${APPS}/deployments`, workload({ app: 'y', 'a b': 'c' })),
  create(
    'shares',
    `${APPS}/deployments`,
    workload({ app: 'x' }, { strategy: { rollingUpdate: { maxSurge: 'x', maxUnavailable: '101%' } } }),
  ),
  create('no selector', `${APPS}/statefulsets`, { metadata: { name: 's' }, spec: { serviceName: 'A_' } }),
  create('an empty selector', `${APPS}/replicasets`, workload({ app: 'x' }, { selector: {} })),
  create(
    'a share that is no number',
    `${APPS}/deployments`,
    workload({ app: 'x' }, { strategy: { rollingUpdate: { maxSurge: {} } } }),
  ),
  create('job', `${BATCH}/jobs`, job({})),
  create(
    'a job that succeeds never',
    `${BATCH}/jobs`,
    job({ completionMode: 'Indexed', completions: 2, successPolicy: { rules: [{ succeededIndexes: '0-5' }, {}] } }),
  ),
  create(
    'failures that are none',
    `${BATCH}/jobs`,
    job({
      podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'x', values: [2, 1, 1] } }, {}] },
    }),
  ),
  create('a limit that has no name', `${NS}/limitranges`, {
    spec: { limits: [{ type: 'x' }, { type: 'Container', max: { ok: '1' } }] },
  }),
  create('a quota of what there is not', `${NS}/resourcequotas`, {
    metadata: { name: 'q' },
    spec: { hard: { ok: '1' }, scopes: ['x'] },
  }),
  create('endpoints that are none', `${NS}/endpoints`, {
    metadata: { name: 'e' },
    subsets: [{}, { addresses: [{ ip: '169.254.1.1' }], ports: [{ port: 0 }, { port: 1 }] }],
  }),
  create('an event of nobody', `${NS}/events`, {
    metadata: { name: 'e' },
    involvedObject: { namespace: 'core' },
    eventTime: '2026-01-01T00:00:00.000000Z',
  }),
  create('a volume of nothing', '/api/v1/persistentvolumes', {
    metadata: { name: 'v' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '0' } },
  }),
  create('a volume', '/api/v1/persistentvolumes', {
    metadata: { name: 'v' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/x' } },
  }),
  create('a claim on data of another kind', `${NS}/persistentvolumeclaims`, {
    metadata: { name: 'c' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      dataSource: { kind: 'X', name: 'x', apiGroup: 'x.io' },
    },
  }),
  create('a node', '/api/v1/nodes', {
    metadata: { name: 'n' },
    spec: { podCIDR: 'x', taints: [{ key: 'a', effect: 'x' }] },
    status: { capacity: { cpu: '-1' } },
  }),
  create('a namespace that never ends', '/api/v1/namespaces', { metadata: { name: 'n' }, spec: { finalizers: ['x'] } }),
  create('a time that is none', `${NS}/configmaps`, { metadata: { name: 'c', creationTimestamp: 'x' } }),
  {
    name: 'a table of what there is not',
    p: `${NS}/configmaps?includeObject=Foo`,
    h: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  },
];

export const differs: Readonly<Record<string, string>> = {
  resources: 'the real server goes through a map in any order',
  'no selector': 'the name of the service is told last here',
  'a limit that has no name': 'a name is drawn for it',
};
