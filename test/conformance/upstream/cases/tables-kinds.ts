// Requests for everything but pods, nodes and workloads as rows, in every state that upstream's printers tell apart.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';
import { ending, listed, rowsOf, told, type State } from '../rows.ts';

const CORE = '/api/v1/namespaces/rows';
const inNamespace = (group: string, resource: string): string => `/apis/${group}/namespaces/rows/${resource}`;
const clusterWide = (group: string, resource: string): string => `/apis/${group}/${resource}`;
const STAY = { finalizers: ['example.com/stay'] };
const LONG_AGO = '2001-02-03T04:05:06Z';
const LATER = '2010-02-03T04:05:06.000000Z';

const state = (name: string, fields: object, status?: object, metadata: object = {}): State => ({
  metadata: { name, ...metadata },
  ...fields,
  ...(status === undefined ? {} : { status }),
});
const of = (name: string, spec: object, status?: object, metadata: object = {}): State =>
  state(name, { spec }, status, metadata);

const SELECTOR = { tier: 'front', app: 'web' };
const HTTP = { name: 'http', port: 80 };
const DNS = { name: 'dns', port: 53, protocol: 'UDP' };
const loadBalancer = (...ingress: object[]): object => ({ loadBalancer: { ingress } });
const SERVICES: State[] = [
  of('plain', { clusterIP: '10.96.10.1', selector: SELECTOR, ports: [HTTP] }),
  of('of-two-ports', { clusterIP: '10.96.10.2', ports: [HTTP, DNS] }),
  of('headless', { clusterIP: 'None', selector: SELECTOR }),
  of('of-external-addresses', { clusterIP: '10.96.10.3', ports: [HTTP], externalIPs: ['1.2.3.4', '1.2.3.5'] }),
  of('node-port', {
    type: 'NodePort',
    clusterIP: '10.96.10.4',
    ports: [
      { ...HTTP, nodePort: 30_080 },
      { ...DNS, nodePort: 30_053 },
    ],
  }),
  of('node-port-and-addresses', {
    type: 'NodePort',
    clusterIP: '10.96.10.5',
    ports: [{ ...HTTP, nodePort: 30_081 }],
    externalIPs: ['1.2.3.6'],
  }),
  of('balanced-not-yet', { type: 'LoadBalancer', clusterIP: '10.96.10.6', ports: [{ ...HTTP, nodePort: 30_082 }] }),
  of(
    'balanced',
    { type: 'LoadBalancer', clusterIP: '10.96.10.7', ports: [{ ...HTTP, nodePort: 30_083 }] },
    loadBalancer({ ip: '9.9.9.9' }, { hostname: 'lb.example.com' }, { ip: '8.8.8.8', hostname: 'x.example.com' }),
  ),
  of(
    'balanced-at-addresses',
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.10.8',
      ports: [{ ...HTTP, nodePort: 30_084 }],
      externalIPs: ['1.2.3.7'],
    },
    loadBalancer({ ip: '9.9.9.9' }),
  ),
  of('balanced-at-addresses-not-yet', {
    type: 'LoadBalancer',
    clusterIP: '10.96.10.9',
    ports: [HTTP],
    allocateLoadBalancerNodePorts: false,
    externalIPs: ['1.2.3.8'],
  }),
  of('a-name', { type: 'ExternalName', externalName: 'db.example.com' }),
  of('a-name-and-addresses', {
    type: 'ExternalName',
    externalName: 'db.example.com',
    ports: [HTTP],
    externalIPs: ['1.2.3.9'],
  }),
];

const rule = (host?: string): object => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] },
});
const BACKEND = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } };
const INGRESSES: State[] = [
  of('plain', BACKEND),
  of('of-a-class', { ...BACKEND, ingressClassName: 'nginx', tls: [{ hosts: ['a.example.com'] }] }),
  of('of-an-old-class', BACKEND, undefined, { annotations: { 'kubernetes.io/ingress.class': 'old' } }),
  of('of-a-host', { rules: [rule('a.example.com')] }),
  of('of-three-hosts', { rules: ['a', 'b', 'c'].map((each) => rule(`${each}.example.com`)) }),
  of('of-five-hosts', { rules: ['a', 'b', 'c', 'd', 'e'].map((each) => rule(`${each}.example.com`)) }),
  of('of-five-rules', {
    rules: [rule('a.example.com'), rule(), rule('b.example.com'), rule('c.example.com'), rule('d.example.com')],
  }),
  of('of-four-rules', { rules: [rule(), rule('a.example.com'), rule('b.example.com'), rule('c.example.com')] }),
  of('of-no-host', { rules: [rule()] }),
  of('at-an-address', BACKEND, loadBalancer({ ip: '9.9.9.9' })),
  of(
    'at-addresses',
    BACKEND,
    loadBalancer({ hostname: 'lb.example.com' }, { ip: '9.9.9.9', hostname: 'no.example.com' }, { ip: '10.9.9.9' }),
  ),
];
const INGRESS_CLASSES: State[] = [
  of('plain', { controller: 'example.com/c' }),
  of('of-parameters', { controller: 'example.com/c', parameters: { apiGroup: 'example.com', kind: 'P', name: 'p' } }),
  of('of-core-parameters', {
    controller: 'example.com/c',
    parameters: { kind: 'ConfigMap', name: 'p', scope: 'Namespace', namespace: 'rows' },
  }),
];
const POLICIES: State[] = [
  of('all', { podSelector: {} }),
  of('some', { podSelector: { matchLabels: SELECTOR } }),
  of('of-expressions', {
    podSelector: {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'a', operator: 'NotIn', values: ['2', '1'] },
        { key: 'c', operator: 'DoesNotExist' },
      ],
    },
  }),
];

const at = (...ips: string[]): object[] => ips.map((ip) => ({ ip }));
const ENDPOINTS: State[] = [
  state('none', {}),
  state('of-no-ports', { subsets: [{ addresses: at('10.1.0.1', '10.1.0.2') }] }),
  state('of-no-ports-and-many', {
    subsets: [{ addresses: at('10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5') }],
  }),
  state('not-ready', { subsets: [{ notReadyAddresses: at('10.1.0.1'), ports: [HTTP] }] }),
  state('two-ports', { subsets: [{ addresses: at('10.1.0.1', '10.1.0.2'), ports: [HTTP, DNS] }] }),
  state('three', { subsets: [{ addresses: at('10.1.0.1', '10.1.0.2', '10.1.0.3'), ports: [HTTP] }] }),
  state('many', {
    subsets: [
      { addresses: at('10.1.0.1', 'fd00::1'), ports: [HTTP] },
      { addresses: at('10.1.0.3', '10.1.0.4', '10.1.0.5'), ports: [DNS] },
    ],
  }),
];
const ready = (...addresses: string[]): object => ({ addresses, conditions: { ready: true } });
const SLICES: State[] = [
  state('none', { addressType: 'IPv4', endpoints: [], ports: [] }),
  state('plain', { addressType: 'IPv4', endpoints: [ready('10.1.0.1')], ports: [HTTP] }),
  state('names', {
    addressType: 'FQDN',
    endpoints: [ready('a.example.com')],
    ports: [{ name: 'any' }, { name: '', port: 9 }],
  }),
  state('all-ports', { addressType: 'IPv6', endpoints: [ready('fd00::1')], ports: [{}] }),
  state('many', {
    addressType: 'IPv4',
    endpoints: ['1', '2', '3', '4', '5'].map((each) => ready(`10.1.0.${each}`)),
    ports: ['a', 'b', 'c', 'd', 'e'].map((name, i) => ({ name, port: 80 + i })),
  }),
  state('three', {
    addressType: 'IPv4',
    endpoints: ['1', '2', '3'].map((each) => ({ addresses: [`10.1.0.${each}`], conditions: { ready: false } })),
    ports: ['a', 'b', 'c'].map((name, i) => ({ name, port: 80 + i })),
  }),
];

const NFS = { nfs: { server: 'a', path: '/' } };
const OLD_CLASS = { annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } };
const volume = (name: string, spec: object = {}, status?: object, metadata?: object): State =>
  of(name, { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], ...NFS, ...spec }, status, metadata);
const VOLUMES: State[] = [
  volume('plain'),
  volume('available', { storageClassName: 'fast' }, { phase: 'Available' }),
  volume('bound', { claimRef: { namespace: 'rows', name: 'c', uid: 'u' } }, { phase: 'Bound' }),
  volume('released', { persistentVolumeReclaimPolicy: 'Delete' }, { phase: 'Released' }),
  volume('failed', {}, { phase: 'Failed', reason: 'Broken', message: 'x' }),
  volume('of-modes', {
    accessModes: ['ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOnce', 'ReadWriteOnce'],
    volumeMode: 'Block',
  }),
  volume('of-one-pod', { accessModes: ['ReadWriteOncePod'], capacity: { storage: '1500M' } }),
  volume('of-an-old-class', {}, undefined, OLD_CLASS),
  volume('of-both-classes', { storageClassName: 'fast' }, undefined, OLD_CLASS),
  volume('ends', {}, { phase: 'Available' }, STAY),
];
const claim = (name: string, spec: object = {}, status?: object, metadata?: object): State =>
  of(name, { resources: { requests: { storage: '5Gi' } }, accessModes: ['ReadWriteOnce'], ...spec }, status, metadata);
const BOUND = { phase: 'Bound', accessModes: ['ReadWriteMany', 'ReadWriteOnce'], capacity: { storage: '0.5Ti' } };
const CLAIMS: State[] = [
  claim('plain'),
  claim('of-a-class', { storageClassName: 'fast', volumeMode: 'Block' }),
  claim('of-no-class', { storageClassName: '' }),
  claim('of-an-old-class', {}, undefined, OLD_CLASS),
  claim('bound', { volumeName: 'v', storageClassName: 'fast' }, BOUND),
  claim('bound-of-no-size', { volumeName: 'v' }, { phase: 'Bound' }),
  claim('lost', { volumeName: 'v' }, { ...BOUND, phase: 'Lost' }),
  claim('not-bound-yet', {}, BOUND),
  claim('ends', {}, undefined, STAY),
];

const DEFAULT_CLASS = { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } };
const STORAGE_CLASSES: State[] = [
  state('plain', { provisioner: 'example.com/p' }),
  state('full', {
    provisioner: 'example.com/p',
    reclaimPolicy: 'Retain',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  }),
  state('the-default', { provisioner: 'example.com/p' }, undefined, DEFAULT_CLASS),
  state('the-old-default', { provisioner: 'example.com/p' }, undefined, {
    annotations: { 'storageclass.beta.kubernetes.io/is-default-class': 'true' },
  }),
  state('no-default', { provisioner: 'example.com/p' }, undefined, {
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'yes' },
  }),
];
const DRIVERS: State[] = [
  of('plain', {}),
  of('full', {
    attachRequired: false,
    podInfoOnMount: true,
    storageCapacity: true,
    requiresRepublish: true,
    tokenRequests: [{ audience: 'a' }, { audience: 'b', expirationSeconds: 600 }],
    volumeLifecycleModes: ['Persistent', 'Ephemeral'],
  }),
  of('of-an-empty-audience', { tokenRequests: [{ audience: '' }] }),
  of('of-no-audience', { tokenRequests: [] }),
];
const CSI_NODES: State[] = [
  of('none', { drivers: [] }),
  of('two', { drivers: ['a', 'b'].map((name) => ({ name, nodeID: 'n', topologyKeys: [] })) }),
];
const ATTACHMENTS: State[] = [
  of('plain', { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } }),
  of('attached', { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } }, { attached: true }),
];
const CAPACITIES: State[] = [
  state('plain', { storageClassName: 'fast' }),
  state('full', { storageClassName: 'fast', capacity: '5Gi' }),
];

const CONFIG_MAPS: State[] = [
  state('none', {}),
  state('both', { data: { a: '1', b: '2' }, binaryData: { c: 'AA==' } }),
];
const SECRETS: State[] = [
  state('none', {}),
  state('some', { type: 'example.com/x', stringData: { a: 'b' }, data: { c: 'AA==' } }),
  state('basic', { type: 'kubernetes.io/basic-auth', stringData: { username: 'a', password: 'b' } }),
];
const ACCOUNTS: State[] = [
  state('plain', {}),
  state('of-secrets', { secrets: [{ name: 'a' }, { name: 'b' }], imagePullSecrets: [{ name: 'c' }] }),
];
const HARD = {
  cpu: '2',
  'requests.memory': '1Gi',
  'limits.cpu': '3500m',
  'limits.memory': '2Gi',
  pods: '10',
  'count/jobs.batch': '5',
  'requests.storage': '1Ti',
};
const QUOTAS: State[] = [
  of('plain', { hard: { pods: '10' } }),
  of(
    'used',
    { hard: HARD },
    { hard: HARD, used: { cpu: '500m', 'limits.cpu': '1', 'requests.memory': '0.5Gi', 'count/jobs.batch': '1' } },
  ),
  of('of-limits', { hard: { 'limits.cpu': '1' } }, { hard: { 'limits.cpu': '1' }, used: { 'limits.cpu': '0' } }),
];
const LIMIT_RANGES: State[] = [of('plain', { limits: [{ type: 'Container', default: { cpu: '1' } }] })];
const NAMESPACES: State[] = [state('active', {}), state('terminating', {})];

const about = (name: string, fields: object): State => ({
  metadata: { name },
  involvedObject: { kind: 'Pod', namespace: 'rows', name: 'web', fieldPath: 'spec.containers{web}' },
  type: 'Normal',
  reason: 'Done',
  message: ' it was done \n',
  ...fields,
});
const SEEN = { firstTimestamp: LONG_AGO, lastTimestamp: LATER };
const EVENTS: State[] = [
  about('a-plain', {}),
  about('b-seen-once', {
    firstTimestamp: LONG_AGO,
    lastTimestamp: LONG_AGO,
    count: 1,
    source: { component: 'kubelet', host: 'n' },
  }),
  about('c-seen-often', { ...SEEN, count: 7, source: { component: 'kubelet' } }),
  about('d-seen-at-first', { firstTimestamp: LONG_AGO }),
  about('e-seen-at-last', { lastTimestamp: LONG_AGO }),
  about('f-of-a-controller', { reportingComponent: 'example.com/c', reportingInstance: 'c-1', action: 'Do' }),
  about('g-of-both', {
    source: { component: 'kubelet' },
    reportingComponent: 'example.com/c',
    reportingInstance: 'c-1',
  }),
  about('h-of-no-name', { involvedObject: { kind: 'Node', namespace: 'rows' }, type: 'Warning', message: '' }),
  about('i-of-a-host', { source: { host: 'n' } }),
];
const note = (name: string, fields: object): State => ({
  metadata: { name },
  regarding: { kind: 'Pod', namespace: 'rows', name: 'web' },
  type: 'Normal',
  reason: 'Done',
  note: 'it was done',
  action: 'Do',
  eventTime: '2001-02-03T04:05:06.000000Z',
  reportingController: 'example.com/c',
  reportingInstance: 'c-1',
  ...fields,
});
const NOTES: State[] = [note('j-plain', {}), note('k-series', { series: { count: 5, lastObservedTime: LATER } })];

const RBAC = 'rbac.authorization.k8s.io';
const ROLES: State[] = [state('plain', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] })];
const SUBJECTS = [
  { kind: 'User', name: 'alice', apiGroup: RBAC },
  { kind: 'Group', name: 'devs', apiGroup: RBAC },
  { kind: 'ServiceAccount', name: 'default', namespace: 'rows' },
  { kind: 'User', name: 'bob', apiGroup: RBAC },
  { kind: 'ServiceAccount', name: 'web', namespace: 'other' },
];
const BINDINGS: State[] = [
  state('rows-full', { roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'view' }, subjects: SUBJECTS }),
  state('rows-none', { roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'edit' } }),
];

/** PEM in base64: a request of a key that nobody has, and a certificate of it. */
const REQUEST =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISU1IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RWNtOTNjekJaTUJN' +
  'R0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSApBMElBQkw4SlFldkQxa3hWTUxSYVQ4Z09kSk15WWJBVGZTK2E4Q01iaDRxNFhDcWx4' +
  'SVBNWGx6UE0vT09kMHJzCnhVS3phYXFXc3JDTldqMnRTUFFCa2xQcmczdWdBREFLQmdncWhrak9QUVFEQWdOSEFEQkVBaUFJMkFi' +
  'ekxFRloKSmVlc1dLamxaeWEzOHQ2cHhnTDBOOEc1OGZ0Vnh3N3R5d0lnSDN5OE0zZ2dKa3Naa1ZVZm1ZMWxFenFLWXQxSQpSamVV' +
  'UEZlZFhOcDJZVTg9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=';
const CERTIFICATE =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJkRENDQVJ1Z0F3SUJBZ0lVSWZ3TElId3ZPdkVIcHlhLzUrTTMrY3FrVFlR' +
  'd0NnWUlLb1pJemowRUF3SXcKRHpFTk1Bc0dBMVVFQXd3RWNtOTNjekFnRncweU5qRXhNak14TURVd016bGFHQTh5TVRJMk1UQXpN' +
  'REV3TlRBegpPVm93RHpFTk1Bc0dBMVVFQXd3RWNtOTNjekJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSEEwSUFCTDhKClFl' +
  'dkQxa3hWTUxSYVQ4Z09kSk15WWJBVGZTK2E4Q01iaDRxNFhDcWx4SVBNWGx6UE0vT09kMHJzeFVLemFhcVcKc3JDTldqMnRTUFFC' +
  'a2xQcmczdWpVekJSTUIwR0ExVWREZ1FXQkJUN2ZIQWlvbERxcGZpYWR0enJXOTZNd1haZApGVEFmQmdOVkhTTUVHREFXZ0JUN2ZI' +
  'QWlvbERxcGZpYWR0enJXOTZNd1haZEZUQVBCZ05WSFJNQkFmOEVCVEFECkFRSC9NQW9HQ0NxR1NNNDlCQU1DQTBjQU1FUUNJQzE4' +
  'MnFyVlZlNVVHL2xUYzk3cFppYStKRUtpQXpwZE55bXgKNEdEY3g5ZUNBaUFlSVphM2J5bGJWS0wyd3ZSeDRoczYySHQ0NUNvei9p' +
  'SS9NWlFSN0poY1N3PT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=';
const CSRS = clusterWide('certificates.k8s.io/v1', 'certificatesigningrequests');
const asked = (name: string, more: object = {}): State =>
  of(name, { request: REQUEST, signerName: 'example.com/s', usages: ['client auth'], ...more });
const SIGNING: State[] = [
  asked('pending'),
  asked('of-a-day', { expirationSeconds: 86_400 }),
  asked('of-an-hour-and-a-half', { expirationSeconds: 5400 }),
  asked('approved'),
  asked('denied'),
  asked('failed'),
  asked('issued'),
];
const judged = (name: string, type: string): Case =>
  told(
    'requests',
    `${CSRS}/${name}`,
    { status: { conditions: [{ type, status: 'True', reason: 'r', message: 'm' }] } },
    type === 'Failed' ? 'status' : 'approval',
  );
const ISSUED = told('requests', `${CSRS}/issued`, { status: { certificate: CERTIFICATE } }, 'status');

const LEASES: State[] = [
  of('none', {}),
  of('held', { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: LATER }),
  of('of-nobody', { holderIdentity: '' }),
];
const RUNTIMES: State[] = [state('plain', { handler: 'runc' })];
const PRIORITIES: State[] = [
  state('plain', { value: 10 }),
  state('never', { value: -10, preemptionPolicy: 'Never', description: 'x' }),
  state('the-default', { value: 5, globalDefault: true }),
];

const webhook = (name: string): object => ({
  name,
  clientConfig: { url: 'https://127.0.0.1:1' },
  rules: [{ operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
});
const WEBHOOKS: State[] = [
  state('none', {}),
  state('two', { webhooks: [webhook('a.example.com'), webhook('b.example.com')] }),
];
const ADMISSION: State[] = [
  of('plain', {
    validations: [{ expression: 'true' }, { expression: 'false' }],
    matchConstraints: { resourceRules: [] },
  }),
  of('of-parameters', {
    validations: [{ expression: 'true' }],
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
  }),
];
const bound = (name: string, paramRef?: object): State =>
  of(name, { policyName: 'plain', validationActions: ['Audit'], ...(paramRef === undefined ? {} : { paramRef }) });
const ADMISSION_BINDINGS: State[] = [
  bound('plain'),
  bound('of-a-name', { name: 'p', parameterNotFoundAction: 'Allow' }),
  bound('of-a-namespace', { name: 'p', namespace: 'rows', parameterNotFoundAction: 'Allow' }),
  bound('of-a-selector', { selector: { matchLabels: SELECTOR }, parameterNotFoundAction: 'Allow' }),
  bound('of-expressions', {
    selector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] },
    parameterNotFoundAction: 'Deny',
  }),
  bound('of-an-empty-selector', { selector: {}, parameterNotFoundAction: 'Allow' }),
];

const FLOW = 'flowcontrol.apiserver.k8s.io/v1';
const LEVELS: State[] = [
  of('queuing', {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: 5,
      limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 2, queueLengthLimit: 9 } },
    },
  }),
  of('rejecting', { type: 'Limited', limited: { nominalConcurrencyShares: 0, limitResponse: { type: 'Reject' } } }),
  of('usual', { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } }),
];
const schema = (name: string, spec: object): State =>
  of(name, { priorityLevelConfiguration: { name: 'queuing' }, rules: [], ...spec });
const SCHEMAS: State[] = [
  schema('plain', {}),
  schema('of-users', { matchingPrecedence: 3, distinguisherMethod: { type: 'ByUser' } }),
  schema('of-namespaces', { matchingPrecedence: 9000, distinguisherMethod: { type: 'ByNamespace' } }),
  schema('dangling', { matchingPrecedence: 3, priorityLevelConfiguration: { name: 'gone' } }),
];

const API_SERVICES: State[] = [
  of('v1.far.example.com', {
    group: 'far.example.com',
    version: 'v1',
    groupPriorityMinimum: 10,
    versionPriority: 10,
    insecureSkipTLSVerify: true,
    service: { namespace: 'rows', name: 'far' },
  }),
];
const ADDRESSES: State[] = [
  of('10.96.200.1', { parentRef: { resource: 'services', namespace: 'rows', name: 'x' } }),
  of('10.96.200.2', { parentRef: { group: 'example.com', resource: 'Gates', name: 'y' } }),
];
const RANGES: State[] = [of('two', { cidrs: ['10.97.0.0/24', 'fd00:97::/112'] })];

/** The server itself says a moment later whether a schema's level is there. */
const untilJudged = (one: Case): Case =>
  one.isSetup === true
    ? one
    : { ...one, until: ({ body }) => body.rows.every(({ cells }: any) => cells.at(-1) !== '?') };

export const cases: readonly Case[] = [
  ...createNamespace('rows'),
  ...rowsOf('services', `${CORE}/services`, SERVICES),
  ...rowsOf('ingresses', inNamespace('networking.k8s.io/v1', 'ingresses'), INGRESSES),
  ...rowsOf('ingress classes', clusterWide('networking.k8s.io/v1', 'ingressclasses'), INGRESS_CLASSES),
  ...rowsOf('network policies', inNamespace('networking.k8s.io/v1', 'networkpolicies'), POLICIES),
  ...rowsOf('endpoints', `${CORE}/endpoints`, ENDPOINTS),
  ...rowsOf('slices', inNamespace('discovery.k8s.io/v1', 'endpointslices'), SLICES),
  ...rowsOf('volumes', '/api/v1/persistentvolumes', VOLUMES),
  ending('volumes', '/api/v1/persistentvolumes/ends'),
  listed('volumes that end', '/api/v1/persistentvolumes'),
  ...rowsOf('claims', `${CORE}/persistentvolumeclaims`, CLAIMS),
  ending('claims', `${CORE}/persistentvolumeclaims/ends`),
  listed('claims that end', `${CORE}/persistentvolumeclaims`),
  ...rowsOf('storage classes', clusterWide('storage.k8s.io/v1', 'storageclasses'), STORAGE_CLASSES),
  ...rowsOf('drivers', clusterWide('storage.k8s.io/v1', 'csidrivers'), DRIVERS),
  ...rowsOf('driver nodes', clusterWide('storage.k8s.io/v1', 'csinodes'), CSI_NODES),
  ...rowsOf('attachments', clusterWide('storage.k8s.io/v1', 'volumeattachments'), ATTACHMENTS),
  ...rowsOf('capacities', inNamespace('storage.k8s.io/v1', 'csistoragecapacities'), CAPACITIES),
  ...rowsOf('config maps', `${CORE}/configmaps`, CONFIG_MAPS),
  ...rowsOf('secrets', `${CORE}/secrets`, SECRETS),
  ...rowsOf('service accounts', `${CORE}/serviceaccounts`, ACCOUNTS),
  ...rowsOf('quotas', `${CORE}/resourcequotas`, QUOTAS),
  ...rowsOf('limit ranges', `${CORE}/limitranges`, LIMIT_RANGES),
  ...rowsOf('namespaces', '/api/v1/namespaces', NAMESPACES),
  ending('namespaces', '/api/v1/namespaces/terminating'),
  listed('namespaces that end', '/api/v1/namespaces'),
  ...rowsOf('events', `${CORE}/events`, EVENTS),
  ...rowsOf('events of the newer API', inNamespace('events.k8s.io/v1', 'events'), NOTES),
  ...rowsOf('roles', inNamespace(`${RBAC}/v1`, 'roles'), ROLES),
  ...rowsOf('role bindings', inNamespace(`${RBAC}/v1`, 'rolebindings'), BINDINGS),
  ...rowsOf('cluster role bindings', clusterWide(`${RBAC}/v1`, 'clusterrolebindings'), BINDINGS),
  ...rowsOf('requests', CSRS, SIGNING),
  judged('approved', 'Approved'),
  judged('denied', 'Denied'),
  judged('failed', 'Approved'),
  judged('failed', 'Failed'),
  judged('issued', 'Approved'),
  ISSUED,
  listed('requests that were judged', CSRS),
  ...rowsOf('leases', inNamespace('coordination.k8s.io/v1', 'leases'), LEASES),
  ...rowsOf('runtime classes', clusterWide('node.k8s.io/v1', 'runtimeclasses'), RUNTIMES),
  ...rowsOf('priority classes', clusterWide('scheduling.k8s.io/v1', 'priorityclasses'), PRIORITIES),
  ...['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].flatMap((each) =>
    rowsOf(each, clusterWide('admissionregistration.k8s.io/v1', each), WEBHOOKS),
  ),
  ...rowsOf('policies', clusterWide('admissionregistration.k8s.io/v1', 'validatingadmissionpolicies'), ADMISSION),
  ...rowsOf(
    'policy bindings',
    clusterWide('admissionregistration.k8s.io/v1', 'validatingadmissionpolicybindings'),
    ADMISSION_BINDINGS,
  ),
  ...rowsOf('levels', clusterWide(FLOW, 'prioritylevelconfigurations'), LEVELS),
  ...rowsOf('schemas', clusterWide(FLOW, 'flowschemas'), SCHEMAS).map(untilJudged),
  ...rowsOf('API services', clusterWide('apiregistration.k8s.io/v1', 'apiservices'), API_SERVICES),
  ...rowsOf('addresses', clusterWide('networking.k8s.io/v1', 'ipaddresses'), ADDRESSES),
  ...rowsOf('ranges', clusterWide('networking.k8s.io/v1', 'servicecidrs'), RANGES),
  ...rowsOf('cluster roles', clusterWide(`${RBAC}/v1`, 'clusterroles'), ROLES),
];
