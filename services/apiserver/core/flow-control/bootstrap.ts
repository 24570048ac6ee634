// Decides which FlowSchemas and priority levels every cluster is born with: upstream's mandatory and suggested ones, with its
// names and values. Never says what becomes of one that an operator changed (upkeep.ts does).
import type { KubeObject } from '../../../../lib/api/object.ts';

export const FLOW_SCHEMAS = 'flowcontrol.apiserver.k8s.io/flowschemas';
export const PRIORITY_LEVELS = 'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations';
/** In whose names upstream writes them, and whether they dangle. */
export const FLOW_PRODUCER = 'api-priority-and-fairness-config-producer-v1';
export const FLOW_CONSUMER = 'api-priority-and-fairness-config-consumer-v1';
export const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec';

const VERSION = 'flowcontrol.apiserver.k8s.io/v1';
const ALL = ['*'];

/** Name, shares, lendable percent; queues, hand, length of a queue (absent: what is too much is refused at once). */
const LEVELS: ReadonlyArray<[name: string, shares: number, lendable: number, queuing?: [number, number, number]]> = [
  ['catch-all', 5, 0],
  ['system', 30, 33, [64, 6, 50]],
  ['node-high', 40, 25, [64, 6, 50]],
  ['leader-election', 10, 0, [16, 4, 50]],
  ['workload-high', 40, 50, [128, 6, 50]],
  ['workload-low', 100, 90, [128, 6, 50]],
  ['global-default', 20, 50, [128, 6, 50]],
];

export const MANDATORY: ReadonlySet<string> = new Set(['exempt', 'catch-all']);

export const bootstrapLevels = (): KubeObject[] => [
  levelOf('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
  ...LEVELS.map(([name, nominalConcurrencyShares, lendablePercent, queuing]) =>
    levelOf(name, {
      type: 'Limited',
      limited: { nominalConcurrencyShares, lendablePercent, limitResponse: limitResponse(queuing) },
    }),
  ),
];

function limitResponse(queuing: [number, number, number] | undefined): object {
  if (queuing === undefined) return { type: 'Reject' };
  const [queues, handSize, queueLengthLimit] = queuing;
  return { type: 'Queue', queuing: { queues, handSize, queueLengthLimit } };
}

function levelOf(name: string, spec: object): KubeObject {
  return {
    apiVersion: VERSION,
    kind: 'PriorityLevelConfiguration',
    metadata: { name, ...structuredClone(MARK) },
    spec,
  };
}

/** What says that it is to follow this table. */
const MARK = { annotations: { [AUTO_UPDATE]: 'true' } };

type Subject = { kind: string } & Record<string, unknown>;

const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const accounts = (...names: string[]): Subject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } }));

const EVERYONE = groups('system:unauthenticated', 'system:authenticated');
const LEASE_VERBS = ['get', 'create', 'update'];

function on(verbs: string[], apiGroup: string, resources: string[], clusterScope = false): object {
  return { verbs, apiGroups: [apiGroup], resources, namespaces: ALL, ...(clusterScope ? { clusterScope } : {}) };
}

const ANYTHING = {
  resourceRules: [on(ALL, '*', ALL, true)],
  nonResourceRules: [{ verbs: ALL, nonResourceURLs: ALL }],
};
const LEASES = on(LEASE_VERBS, 'coordination.k8s.io', ['leases']);

type Method = 'ByUser' | 'ByNamespace' | '';

/** In upstream's order of precedence; the first that matches a request takes it. */
const SCHEMAS: ReadonlyArray<
  [name: string, level: string, precedence: number, method: Method, subjects: Subject[], rules: object]
> = [
  ['exempt', 'exempt', 1, '', groups('system:masters'), ANYTHING],
  [
    'probes',
    'exempt',
    2,
    '',
    EVERYONE,
    { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] },
  ],
  [
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...accounts('*')],
    { resourceRules: [LEASES] },
  ],
  [
    'endpoint-controller',
    'workload-high',
    150,
    'ByUser',
    [
      ...users('system:kube-controller-manager'),
      ...accounts('endpoint-controller', 'endpointslicemirroring-controller'),
    ],
    { resourceRules: [on(LEASE_VERBS, '', ['endpoints'])] },
  ],
  [
    'workload-leader-election',
    'leader-election',
    200,
    'ByUser',
    accounts('*'),
    { resourceRules: [on(LEASE_VERBS, '', ['endpoints', 'configmaps']), LEASES] },
  ],
  [
    'system-node-high',
    'node-high',
    400,
    'ByUser',
    groups('system:nodes'),
    { resourceRules: [on(ALL, '', ['nodes', 'nodes/status'], true), on(ALL, 'coordination.k8s.io', ['leases'])] },
  ],
  ['system-nodes', 'system', 500, 'ByUser', groups('system:nodes'), ANYTHING],
  ['kube-controller-manager', 'workload-high', 800, 'ByNamespace', users('system:kube-controller-manager'), ANYTHING],
  ['kube-scheduler', 'workload-high', 800, 'ByNamespace', users('system:kube-scheduler'), ANYTHING],
  ['kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', accounts('*'), ANYTHING],
  ['service-accounts', 'workload-low', 9000, 'ByUser', groups('system:serviceaccounts'), ANYTHING],
  ['global-default', 'global-default', 9900, 'ByUser', EVERYONE, ANYTHING],
  ['catch-all', 'catch-all', 10_000, 'ByUser', EVERYONE, ANYTHING],
];

export const bootstrapSchemas = (): KubeObject[] =>
  SCHEMAS.map(([name, level, matchingPrecedence, method, subjects, rules]) => ({
    apiVersion: VERSION,
    kind: 'FlowSchema',
    metadata: { name, ...structuredClone(MARK) },
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(method === '' ? {} : { distinguisherMethod: { type: method } }),
      rules: [structuredClone({ subjects, ...rules })],
    },
  }));
