// Requests about kinds of every group but core, apps and batch: what is filled in, refused, and made or not made by a
// PUT. Tables are compared elsewhere: what upstream says of their columns is its own.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

type Change = readonly [path: string, value: unknown];

interface Asked {
  kind: string;
  path: string;
  object: Record<string, any>;
  /** Each is refused, or told otherwise, alone. */
  changes?: readonly Change[];
  /** False: the server itself writes its status some time later. */
  isLeftAlone?: boolean;
}

const inNamespace = (group: string, resource: string): string => `/apis/${group}/namespaces/kinds/${resource}`;
const clusterWide = (group: string, resource: string): string => `/apis/${group}/${resource}`;
const LONG = 'x'.repeat(70);

const KINDS: readonly Asked[] = [
  {
    kind: 'autoscaler',
    path: inNamespace('autoscaling/v2', 'horizontalpodautoscalers'),
    object: {
      metadata: { name: 'a' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'd' },
        maxReplicas: 5,
        metrics: [
          { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '10' } } },
        ],
        behavior: { scaleUp: { stabilizationWindowSeconds: 10 } },
      },
    },
    changes: [
      ['spec.scaleTargetRef', {}],
      ['spec.maxReplicas', 0],
      ['spec.metrics.0.type', 'External'],
      ['spec.metrics.0.type', ''],
      ['spec.metrics.0.pods.target', {}],
      ['spec.metrics.0.pods.target.averageValue', '-1'],
      ['spec.metrics.0.pods.metric.name', 'a/b'],
      [
        'spec.behavior.scaleUp',
        { stabilizationWindowSeconds: 3601, policies: [{ type: 'x', value: 0, periodSeconds: 1801 }] },
      ],
      ['spec.behavior.scaleUp.selectPolicy', 'Any'],
    ],
  },
  {
    kind: 'ingress class',
    path: clusterWide('networking.k8s.io/v1', 'ingressclasses'),
    object: { metadata: { name: 'i' }, spec: { controller: 'example.com/i', parameters: { kind: 'P', name: 'p' } } },
    changes: [
      ['spec.parameters', { apiGroup: 'A', kind: 'a/b', name: '', scope: 'Namespace', namespace: 'A' }],
      ['spec.parameters.scope', ''],
    ],
  },
  {
    kind: 'network policy',
    path: inNamespace('networking.k8s.io/v1', 'networkpolicies'),
    object: { metadata: { name: 'n' }, spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } },
  },
  {
    kind: 'budget',
    path: inNamespace('policy/v1', 'poddisruptionbudgets'),
    object: { metadata: { name: 'b' }, spec: { maxUnavailable: 1, selector: { matchLabels: { a: 'b' } } } },
    changes: [
      ['spec.maxUnavailable', 'half'],
      ['spec.maxUnavailable', '101%'],
      ['spec.maxUnavailable', -1],
    ],
  },
  {
    kind: 'role',
    path: clusterWide('rbac.authorization.k8s.io/v1', 'clusterroles'),
    object: { metadata: { name: 'r:x' }, rules: [{ nonResourceURLs: ['/x'], verbs: ['get'] }] },
    changes: [
      ['rules', [{ verbs: [] }]],
      ['rules.0.resources', ['pods']],
      ['aggregationRule', {}],
      ['aggregationRule', { clusterRoleSelectors: [{ matchLabels: { a: 'b!' } }] }],
    ],
  },
  {
    kind: 'binding',
    path: inNamespace('rbac.authorization.k8s.io/v1', 'rolebindings'),
    object: {
      metadata: { name: 'b' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'alice' },
        { kind: 'ServiceAccount', name: 'default', namespace: 'kinds' },
      ],
    },
    changes: [
      ['roleRef', { apiGroup: 'x', kind: 'Job', name: '' }],
      ['roleRef.name', 'a/b'],
      ['subjects', [{ kind: 'Robot', name: '' }]],
      ['subjects.1.name', 'A'],
    ],
  },
  {
    kind: 'storage class',
    path: clusterWide('storage.k8s.io/v1', 'storageclasses'),
    object: { metadata: { name: 's' }, provisioner: 'example.com/p' },
    changes: [
      ['provisioner', 'A_!'],
      ['volumeBindingMode', ''],
      ['reclaimPolicy', 'Keep'],
      [
        'allowedTopologies',
        [
          {
            matchLabelExpressions: [
              { key: 'a', values: [] },
              { key: 'a', values: ['b', 'b'] },
            ],
          },
        ],
      ],
    ],
  },
  {
    kind: 'driver',
    path: clusterWide('storage.k8s.io/v1', 'csidrivers'),
    object: { metadata: { name: 'd.example.com' }, spec: {} },
    changes: [
      ['spec.fsGroupPolicy', ''],
      ['spec.volumeLifecycleModes', ['Forever']],
      ['spec.tokenRequests', [{ audience: 'a', expirationSeconds: 1 }, { audience: 'a' }]],
    ],
  },
  {
    kind: 'capacity',
    path: inNamespace('storage.k8s.io/v1', 'csistoragecapacities'),
    object: { metadata: { name: 'c' }, storageClassName: 's', capacity: '1Gi', nodeTopology: {} },
    changes: [['storageClassName', '']],
  },
  {
    kind: 'attachment',
    path: clusterWide('storage.k8s.io/v1', 'volumeattachments'),
    object: { metadata: { name: 'v' }, spec: { attacher: 'e', nodeName: 'n', source: { persistentVolumeName: 'p' } } },
    changes: [
      ['spec.attacher', LONG],
      ['spec.nodeName', ''],
      ['spec.source', {}],
    ],
  },
  {
    kind: 'flow schema',
    isLeftAlone: false,
    path: clusterWide('flowcontrol.apiserver.k8s.io/v1', 'flowschemas'),
    object: {
      metadata: { name: 'f' },
      spec: {
        priorityLevelConfiguration: { name: 'none' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'u' } }],
            nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
          },
        ],
      },
    },
    changes: [
      ['spec.matchingPrecedence', 10_001],
      ['spec.distinguisherMethod', {}],
      [
        'spec.rules.0.subjects',
        [
          { kind: 'Group', user: { name: 'u' } },
          { kind: 'ServiceAccount', serviceAccount: {} },
        ],
      ],
      ['spec.rules.0.nonResourceRules', [{ verbs: ['look'], nonResourceURLs: ['x', '/a*b', '/ ', '//'] }]],
      ['spec.rules.0.resourceRules', [{ verbs: ['*', 'get'], apiGroups: [], resources: [], namespaces: [] }]],
    ],
  },
  {
    kind: 'priority level',
    path: clusterWide('flowcontrol.apiserver.k8s.io/v1', 'prioritylevelconfigurations'),
    object: {
      metadata: { name: 'p' },
      spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: { queues: 16, handSize: 4 } } } },
    },
    changes: [
      ['spec.type', 'Exempt'],
      ['spec.type', 'Any'],
      ['spec.limited.limitResponse', { type: 'Reject', queuing: {} }],
      ['spec.limited.limitResponse.queuing', { queues: 2, handSize: 3 }],
      ['spec.limited.limitResponse.queuing', { queues: 1000, handSize: 7 }],
      ['spec.limited', { lendablePercent: 101, borrowingLimitPercent: -1, nominalConcurrencyShares: -1 }],
    ],
  },
  {
    kind: 'api service',
    path: clusterWide('apiregistration.k8s.io/v1', 'apiservices'),
    object: {
      metadata: { name: 'v1.example.com' },
      spec: {
        group: 'example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 10,
        service: { name: 's', namespace: 'kinds' },
      },
    },
    changes: [
      ['spec.version', 'V_1'],
      ['spec.group', ''],
      ['spec.service.port', 70_000],
      ['spec', {}],
    ],
  },
];

function changed(object: Record<string, any>, [path, value]: Change): Record<string, any> {
  const copy = structuredClone(object);
  const keys = path.split('.');
  const parent = keys.slice(0, -1).reduce((inner: any, key) => inner[key], copy);
  parent[keys.at(-1)!] = value;
  return copy;
}

const casesOf = ({ kind, path, object, changes = [], isLeftAlone = true }: Asked): Case[] => {
  const item = `${path}/${object['metadata'].name}`;
  return [
    { name: `a ${kind}`, m: 'POST', p: path, b: object },
    ...(isLeftAlone
      ? [{ name: `the ${kind} again, without its revision`, m: 'PUT', p: `${item}?dryRun=All`, b: object }]
      : []),
    ...changes.map((change, i) => ({
      name: `a ${kind} with ${change[0]} (${i})`,
      m: 'POST',
      p: `${path}?dryRun=All`,
      b: changed(object, change),
    })),
    { name: `the ${kind} goes`, m: 'DELETE', p: item },
  ];
};

const lease = inNamespace('coordination.k8s.io/v1', 'leases');

export const cases: readonly Case[] = [
  ...createNamespace('kinds'),
  ...KINDS.flatMap(casesOf),
  { name: 'a lease by PUT', m: 'PUT', p: `${lease}/l`, b: { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } } },
  { name: 'a lease by PUT of another name', m: 'PUT', p: `${lease}/m`, b: { metadata: { name: 'l' } } },
  { name: 'a lease without its revision', m: 'PUT', p: `${lease}/l`, b: { metadata: { name: 'l' } } },
  {
    name: 'nobody who may not create makes one by PUT',
    m: 'PUT',
    p: `${lease}/n`,
    user: 'alice',
    b: { metadata: { name: 'n' } },
  },
];

export const differs = {
  'a autoscaler with spec.metrics.0.pods.target.averageValue (5)': 'upstream prints the insides of its Quantity',
};
