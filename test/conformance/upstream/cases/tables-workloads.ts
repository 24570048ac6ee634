// Requests for workloads and what scales and guards them as rows, in every state that upstream's printers tell apart.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';
import { ending, listed, rowsOf, TABLE, type State } from '../rows.ts';

const inNamespace = (group: string, resource: string): string => `/apis/${group}/namespaces/rows/${resource}`;
const CORE = '/api/v1/namespaces/rows';
const JOBS = inNamespace('batch/v1', 'jobs');
const STAY = { finalizers: ['example.com/stay'] };
const LONG_AGO = '2001-02-03T04:05:06Z';

const LABELS = { app: 'web', tier: 'front' };
const CONTAINERS = [
  { name: 'web', image: 'nginx:1' },
  { name: 'log', image: 'fluent/log:2' },
];
const template = (spec: object = {}): object => ({
  metadata: { labels: LABELS },
  spec: { containers: CONTAINERS, ...spec },
});
const RUN_ONCE = { restartPolicy: 'Never' };
const EXPRESSIONS = {
  matchLabels: LABELS,
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['front', 'back'] },
    { key: 'app', operator: 'Exists' },
    { key: 'old', operator: 'DoesNotExist' },
    { key: 'color', operator: 'NotIn', values: ['red', 'blue'] },
  ],
};
const PLAIN = { matchLabels: LABELS };
const of = (name: string, spec: object, status?: object): State => ({
  metadata: { name },
  spec,
  ...(status === undefined ? {} : { status }),
});

const CONTROLLERS: State[] = [
  of(
    'plain',
    { template: template() },
    { replicas: 3, readyReplicas: 2, availableReplicas: 1, fullyLabeledReplicas: 2 },
  ),
  of('none', { replicas: 0, template: template() }),
];
const DEPLOYMENTS: State[] = [
  of(
    'plain',
    { replicas: 3, selector: PLAIN, template: template() },
    {
      replicas: 4,
      updatedReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
    },
  ),
  of('of-expressions', { selector: EXPRESSIONS, template: template() }),
  of('none', { replicas: 0, selector: PLAIN, template: template() }),
];
const REPLICA_SETS: State[] = [
  of(
    'plain',
    { replicas: 3, selector: PLAIN, template: template() },
    {
      replicas: 4,
      readyReplicas: 2,
      availableReplicas: 1,
      fullyLabeledReplicas: 4,
    },
  ),
  of('of-expressions', { selector: EXPRESSIONS, template: template() }),
];
const STATEFUL_SETS: State[] = [
  of(
    'plain',
    { serviceName: 'web', replicas: 3, selector: PLAIN, template: template() },
    { replicas: 3, readyReplicas: 2 },
  ),
  of('of-no-service', { selector: PLAIN, template: template() }),
];
const DAEMON_SETS: State[] = [
  of(
    'plain',
    { selector: PLAIN, template: template() },
    {
      desiredNumberScheduled: 5,
      currentNumberScheduled: 4,
      numberReady: 3,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberMisscheduled: 0,
    },
  ),
  of('of-some-nodes', { selector: EXPRESSIONS, template: template({ nodeSelector: { zone: 'b', disk: 'ssd' } }) }),
];

const condition = (type: string, status = 'True'): object => ({ type, status, lastTransitionTime: LONG_AGO });
const ENDED = '2001-02-03T07:25:06Z';
const job = (name: string, spec: object, status?: object, metadata: object = {}): State => ({
  metadata: { name, ...metadata },
  // One of its own would have the uid of the job.
  spec: { template: template(RUN_ONCE), manualSelector: true, selector: PLAIN, ...spec },
  ...(status === undefined ? {} : { status }),
});
const JOB_STATES: State[] = [
  job('plain', {}),
  job(
    'runs',
    { completions: 3 },
    { startTime: LONG_AGO, active: 1, succeeded: 2, ready: 0, uncountedTerminatedPods: {} },
  ),
  job(
    'complete',
    { completions: 3, parallelism: 3 },
    {
      startTime: LONG_AGO,
      completionTime: ENDED,
      succeeded: 3,
      conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
      uncountedTerminatedPods: {},
    },
  ),
  job(
    'failed',
    { completions: 1 },
    {
      startTime: LONG_AGO,
      failed: 7,
      conditions: [condition('FailureTarget'), condition('Failed')],
      uncountedTerminatedPods: {},
    },
  ),
  job('fails', {}, { startTime: LONG_AGO, conditions: [condition('FailureTarget')], uncountedTerminatedPods: {} }),
  job('suspended', { suspend: true }, { conditions: [condition('Suspended')] }),
  job('resumed', {}, { conditions: [condition('Suspended', 'False')] }),
  job('a-queue', { parallelism: 3 }, { startTime: LONG_AGO, succeeded: 1, uncountedTerminatedPods: {} }),
  job('a-small-queue', { parallelism: 1 }),
  job('halted', { parallelism: 0 }),
  job('ends', {}, undefined, STAY),
  job('ends-suspended', { suspend: true }, { conditions: [condition('Suspended')] }, STAY),
  job('of-a-selector', { selector: EXPRESSIONS, completions: 1 }),
];
const cronJob = (name: string, spec: object, status?: object): State => ({
  metadata: { name },
  spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: template(RUN_ONCE) } }, ...spec },
  ...(status === undefined ? {} : { status }),
});
const ACTIVE = [1, 2].map((each) => ({ kind: 'Job', name: `j-${each}`, namespace: 'rows', apiVersion: 'batch/v1' }));
const CRON_JOBS: State[] = [
  cronJob('plain', {}),
  cronJob('suspended', { suspend: true, timeZone: 'Europe/Berlin' }),
  cronJob('active', {}, { active: ACTIVE, lastScheduleTime: LONG_AGO, lastSuccessfulTime: LONG_AGO }),
];

const OWNED = (kind: string, apiVersion: string): object => ({
  ownerReferences: [
    { apiVersion: 'v1', kind: 'Other', name: 'other', uid: '1' },
    { apiVersion, kind, name: 'owner', uid: '2', controller: true },
  ],
});
const REVISIONS: State[] = [
  { metadata: { name: 'plain' }, revision: 3, data: {} },
  { metadata: { name: 'of-a-set', ...OWNED('StatefulSet', 'apps/v1') }, revision: 1 },
  { metadata: { name: 'of-a-service', ...OWNED('Service', 'v1') }, revision: 0 },
];
const TEMPLATES: State[] = [
  { metadata: { name: 'plain' }, template: template() },
  { metadata: { name: 'of-no-labels' }, template: { spec: { containers: CONTAINERS.slice(0, 1) } } },
];

const target = (type: string, more: object): object => ({ type, ...more });
const metric = (type: string, field: string, own: object): object => ({ type, [field]: own });
const HITS = { metric: { name: 'hits' } };
const OBJECT = { describedObject: { kind: 'Service', name: 'web' }, ...HITS };
const cpu = (type: string, more: object): object =>
  metric('Resource', 'resource', { name: 'cpu', target: target(type, more) });
const inContainer = (type: string, more: object): object =>
  metric('ContainerResource', 'containerResource', { name: 'memory', container: 'web', target: target(type, more) });
const HPA_TARGET = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' };
const hpa = (name: string, metrics: object[] | undefined, currentMetrics?: object[], spec: object = {}): State => ({
  metadata: { name },
  spec: { scaleTargetRef: HPA_TARGET, maxReplicas: 9, ...(metrics === undefined ? {} : { metrics }), ...spec },
  ...(currentMetrics === undefined
    ? {}
    : { status: { currentReplicas: 2, desiredReplicas: 3, currentMetrics, lastScaleTime: LONG_AGO } }),
});
const current = (field: string, type: string, own: object): object => ({ type, [field]: own });
const AUTOSCALERS: State[] = [
  hpa('plain', undefined),
  hpa('minimum', undefined, undefined, { minReplicas: 3 }),
  hpa('processor-unknown', [cpu('Utilization', { averageUtilization: 80 })], []),
  hpa(
    'processor-of-no-utilization',
    [cpu('Utilization', { averageUtilization: 80 })],
    [current('resource', 'Resource', { name: 'cpu', current: { averageValue: '100m' } })],
  ),
  hpa(
    'processor',
    [cpu('Utilization', { averageUtilization: 80 })],
    [current('resource', 'Resource', { name: 'cpu', current: { averageUtilization: 40, averageValue: '100m' } })],
  ),
  hpa('processor-value-unknown', [cpu('AverageValue', { averageValue: '0.5' })]),
  hpa(
    'processor-value',
    [cpu('AverageValue', { averageValue: '1500m' })],
    [current('resource', 'Resource', { name: 'cpu', current: { averageValue: '2000m' } })],
  ),
  hpa('container-unknown', [inContainer('Utilization', { averageUtilization: 10 })]),
  hpa(
    'container',
    [inContainer('Utilization', { averageUtilization: 10 })],
    [
      current('containerResource', 'ContainerResource', {
        name: 'memory',
        container: 'web',
        current: { averageUtilization: 20, averageValue: '1' },
      }),
    ],
  ),
  hpa('container-value-unknown', [inContainer('AverageValue', { averageValue: '1Gi' })]),
  hpa(
    'container-value',
    [inContainer('AverageValue', { averageValue: '1Gi' })],
    [
      current('containerResource', 'ContainerResource', {
        name: 'memory',
        container: 'web',
        current: { averageValue: '1024Mi' },
      }),
    ],
  ),
  hpa('pods-unknown', [metric('Pods', 'pods', { ...HITS, target: target('AverageValue', { averageValue: '10' }) })]),
  hpa(
    'pods',
    [metric('Pods', 'pods', { ...HITS, target: target('AverageValue', { averageValue: '10' }) })],
    [current('pods', 'Pods', { ...HITS, current: { averageValue: '7500m' } })],
  ),
  hpa('object-unknown', [metric('Object', 'object', { ...OBJECT, target: target('Value', { value: '2k' }) })]),
  hpa(
    'object',
    [metric('Object', 'object', { ...OBJECT, target: target('Value', { value: '2k' }) })],
    [current('object', 'Object', { ...OBJECT, current: { value: '1k' } })],
  ),
  hpa(
    'object-average',
    [metric('Object', 'object', { ...OBJECT, target: target('AverageValue', { averageValue: '2' }) })],
    [current('object', 'Object', { ...OBJECT, current: { value: '1', averageValue: '500m' } })],
  ),
  hpa(
    'object-average-unknown',
    [metric('Object', 'object', { ...OBJECT, target: target('AverageValue', { averageValue: '2' }) })],
    [current('object', 'Object', { ...OBJECT, current: { value: '1' } })],
  ),
  hpa('external-unknown', [metric('External', 'external', { ...HITS, target: target('Value', { value: '3' }) })]),
  hpa(
    'external',
    [metric('External', 'external', { ...HITS, target: target('Value', { value: '3' }) })],
    [current('external', 'External', { ...HITS, current: { value: '4' } })],
  ),
  hpa(
    'external-average',
    [metric('External', 'external', { ...HITS, target: target('AverageValue', { averageValue: '3' }) })],
    [current('external', 'External', { ...HITS, current: { value: '0', averageValue: '4' } })],
  ),
  hpa(
    'external-average-unknown',
    [metric('External', 'external', { ...HITS, target: target('AverageValue', { averageValue: '3' }) })],
    [current('external', 'External', { ...HITS, current: { value: '4' } })],
  ),
  hpa(
    'two',
    [cpu('Utilization', { averageUtilization: 80 }), inContainer('AverageValue', { averageValue: '1Gi' })],
    [
      current('resource', 'Resource', { name: 'cpu', current: { averageUtilization: 40 } }),
      current('pods', 'Pods', { ...HITS, current: { averageValue: '1' } }),
    ],
  ),
  hpa('four', [
    cpu('Utilization', { averageUtilization: 80 }),
    inContainer('AverageValue', { averageValue: '1Gi' }),
    metric('Pods', 'pods', { ...HITS, target: target('AverageValue', { averageValue: '10' }) }),
    metric('External', 'external', { ...HITS, target: target('Value', { value: '3' }) }),
  ]),
];
const V1_AUTOSCALERS: State[] = [
  of(
    'of-v1',
    { scaleTargetRef: HPA_TARGET, maxReplicas: 4, targetCPUUtilizationPercentage: 50 },
    { currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 70 },
  ),
  of('of-v1-and-nothing', { scaleTargetRef: HPA_TARGET, maxReplicas: 4 }),
];

const BUDGETS: State[] = [
  of(
    'least',
    { minAvailable: 2, selector: PLAIN },
    {
      disruptionsAllowed: 1,
      currentHealthy: 3,
      desiredHealthy: 2,
      expectedPods: 3,
    },
  ),
  of('least-of-a-hundred', { minAvailable: '50%', selector: PLAIN }),
  of('most', { maxUnavailable: 0, selector: PLAIN }),
  of('most-of-a-hundred', { maxUnavailable: '100%', selector: PLAIN }),
  of('neither', { selector: PLAIN }),
];

const SCALES = [
  `${CORE}/replicationcontrollers`,
  ...['deployments', 'replicasets', 'statefulsets'].map((each) => inNamespace('apps/v1', each)),
];
const scaleOf = (path: string): Case => ({
  name: `scale of ${path.split('/').at(-1)}`,
  p: `${path}/plain/scale`,
  h: { accept: TABLE },
});

export const cases: readonly Case[] = [
  ...createNamespace('rows'),
  ...rowsOf('replication controllers', `${CORE}/replicationcontrollers`, CONTROLLERS),
  ...rowsOf('deployments', inNamespace('apps/v1', 'deployments'), DEPLOYMENTS),
  ...rowsOf('replica sets', inNamespace('apps/v1', 'replicasets'), REPLICA_SETS),
  ...rowsOf('stateful sets', inNamespace('apps/v1', 'statefulsets'), STATEFUL_SETS),
  ...rowsOf('daemon sets', inNamespace('apps/v1', 'daemonsets'), DAEMON_SETS),
  ...SCALES.map(scaleOf),
  ...rowsOf('jobs', JOBS, JOB_STATES),
  ending('jobs', `${JOBS}/ends`),
  ending('jobs', `${JOBS}/ends-suspended`),
  listed('jobs that end', JOBS),
  ...rowsOf('cron jobs', inNamespace('batch/v1', 'cronjobs'), CRON_JOBS),
  ...rowsOf('revisions', inNamespace('apps/v1', 'controllerrevisions'), REVISIONS),
  ...rowsOf('pod templates', `${CORE}/podtemplates`, TEMPLATES),
  ...rowsOf('autoscalers', inNamespace('autoscaling/v2', 'horizontalpodautoscalers'), AUTOSCALERS),
  ...rowsOf('autoscalers of v1', inNamespace('autoscaling/v1', 'horizontalpodautoscalers'), V1_AUTOSCALERS),
  ...rowsOf('budgets', inNamespace('policy/v1', 'poddisruptionbudgets'), BUDGETS),
];
