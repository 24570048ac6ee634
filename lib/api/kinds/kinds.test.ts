// Shows the rules of kinds whose controllers are elsewhere or yet to come, by what they refuse; and that another version of a
// kind says the same of the same object.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { canonical } from '../canonical.ts';
import { equalObjects } from '../equality.ts';
import { KINDS, kindFor, type Kind } from '../kind.ts';
import { scheduleProblem } from './cron-job.ts';

const NOW = Date.parse('2026-11-22T08:00:00Z');

function make(kind: Kind, value: any): any {
  const metadata = { name: 'x', ...(kind.ref.namespaced ? { namespace: 'default' } : {}), ...value.metadata };
  const object = canonical(kind.typeName, { ...value, metadata }).value;
  const { group, version } = kind.ref;
  Object.assign(object, { apiVersion: group === '' ? version : `${group}/${version}`, kind: kind.ref.kind });
  kind.default(object);
  return object;
}

const POD = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } };
/** A Job that chose its pods: others get their selector when they are made. */
const SELECTED = { manualSelector: true, selector: { matchLabels: { a: 'b' } } };
const JOB_POD = { metadata: { labels: { a: 'b' } }, ...POD };
const BACKEND = { service: { name: 's', port: { number: 80 } } };
const QUANTITY = { resources: { requests: { storage: '1Gi' } } };

/** Group, plural, what is wrong about an object, and how that is told. */
const WRONG: Array<[group: string, plural: string, object: object, told: string[]]> = [
  ['', 'persistentvolumeclaims', { spec: {} }, ['spec.accessModes', 'spec.resources[storage]']],
  [
    '',
    'persistentvolumeclaims',
    { spec: { accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'], ...QUANTITY } },
    ['spec.accessModes'],
  ],
  ['', 'persistentvolumes', { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } }, ['spec']],
  [
    '',
    'persistentvolumes',
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, local: { path: '/x' } } },
    ['spec.nodeAffinity'],
  ],
  ['', 'limitranges', { spec: { limits: [{ type: 'Pod', default: { cpu: '1' } }] } }, ['spec.limits[0].default']],
  [
    '',
    'limitranges',
    { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
    ['spec.limits[0].defaultRequest[cpu]', 'spec.limits[0].default[cpu]', 'spec.limits[0].min[cpu]'],
  ],
  ['', 'resourcequotas', { spec: { hard: { pods: '1500m', foo: '1' } } }, ['spec.hard[foo]', 'spec.hard[pods]']],
  ['', 'resourcequotas', { spec: { scopes: ['BestEffort', 'NotBestEffort'] } }, ['spec.scopes']],
  ['', 'resourcequotas', { spec: { scopes: ['BestEffort'], hard: { cpu: '1', pods: '1' } } }, ['spec.scopes']],
  [
    '',
    'resourcequotas',
    {
      spec: {
        hard: { configmaps: '1' },
        scopeSelector: {
          matchExpressions: [
            { scopeName: 'NotBestEffort', operator: 'In', values: ['a'] },
            { scopeName: 'PriorityClass', operator: 'In' },
          ],
        },
      },
    },
    [
      'spec.scopeSelector.matchExpressions',
      'spec.scopeSelector.matchExpressions.operator',
      'spec.scopeSelector.matchExpressions.values',
    ],
  ],
  [
    '',
    'replicationcontrollers',
    {
      spec: {
        replicas: -1,
        selector: { a: 'b' },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
      },
    },
    ['spec.replicas'],
  ],
  [
    'batch',
    'jobs',
    { spec: { ...SELECTED, completionMode: 'Indexed', parallelism: 1, template: JOB_POD } },
    ['spec.completions'],
  ],
  [
    'batch',
    'jobs',
    { spec: { ...SELECTED, template: { ...JOB_POD, spec: { ...POD.spec, restartPolicy: 'Always' } } } },
    ['spec.template.spec.restartPolicy'],
  ],
  [
    'batch',
    'cronjobs',
    { spec: { schedule: '* * *', timeZone: 'Nowhere/X', jobTemplate: { spec: { template: POD } } } },
    ['spec.schedule', 'spec.timeZone'],
  ],
  ['networking.k8s.io', 'ingresses', { spec: {} }, ['spec']],
  [
    'networking.k8s.io',
    'ingresses',
    { spec: { rules: [{ host: '10.0.0.1', http: { paths: [{ path: 'x', pathType: 'Prefix', backend: BACKEND }] } }] } },
    ['spec.rules[0].host', 'spec.rules[0].http.paths[0].path'],
  ],
  [
    'networking.k8s.io',
    'networkpolicies',
    { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/16', except: ['10.1.0.0/24'] } }] }] } },
    ['spec.ingress[0].from[0].ipBlock.except[0]'],
  ],
  [
    'networking.k8s.io',
    'networkpolicies',
    { spec: { podSelector: {}, egress: [{ ports: [{ endPort: 80 }], to: [{}] }] } },
    ['spec.egress[0].ports[0].port', 'spec.egress[0].to[0]'],
  ],
  ['networking.k8s.io', 'ingressclasses', { spec: { controller: 'x' } }, ['spec.controller']],
  ['networking.k8s.io', 'ipaddresses', { metadata: { name: '10.0.0.256' } }, ['metadata.name', 'spec.parentRef']],
  [
    'networking.k8s.io',
    'ipaddresses',
    { metadata: { name: '::1' }, spec: { parentRef: { group: 'A', name: 'a/b' } } },
    ['spec.parentRef.group', 'spec.parentRef.name', 'spec.parentRef.resource'],
  ],
  ['networking.k8s.io', 'servicecidrs', { spec: {} }, ['spec.cidrs']],
  ['networking.k8s.io', 'servicecidrs', { spec: { cidrs: ['10.0.0.0/8', '10.0.0.0'] } }, ['spec.cidrs[1]']],
  ['networking.k8s.io', 'servicecidrs', { spec: { cidrs: ['10.0.0.0/8', '11.0.0.0/8'] } }, ['spec.cidrs']],
  [
    'policy',
    'poddisruptionbudgets',
    { spec: { minAvailable: 1, maxUnavailable: '120%' } },
    ['spec', 'spec.maxUnavailable'],
  ],
  ['storage.k8s.io', 'storageclasses', { reclaimPolicy: 'No' }, ['provisioner', 'reclaimPolicy']],
  ['storage.k8s.io', 'volumeattachments', { spec: { attacher: 'a', nodeName: 'n', source: {} } }, ['spec.source']],
  ['scheduling.k8s.io', 'priorityclasses', { metadata: { name: 'system-x' }, value: 1 }, ['metadata.name']],
  ['scheduling.k8s.io', 'priorityclasses', { value: 2_000_000_000 }, ['value']],
  ['node.k8s.io', 'runtimeclasses', { handler: 'A b' }, ['handler']],
  [
    'certificates.k8s.io',
    'certificatesigningrequests',
    { spec: { request: 'aGk=', signerName: 'x', usages: ['any', 'any'] } },
    ['spec.request', 'spec.signerName', 'spec.usages[1]'],
  ],
  [
    'admissionregistration.k8s.io',
    'validatingwebhookconfigurations',
    {
      webhooks: [
        { name: 'a', clientConfig: { url: 'http://x' }, sideEffects: 'None', admissionReviewVersions: ['v1'] },
      ],
    },
    ['webhooks[0].clientConfig.url', 'webhooks[0].name'],
  ],
  [
    'admissionregistration.k8s.io',
    'validatingadmissionpolicybindings',
    { spec: { policyName: 'p', validationActions: ['Deny', 'Warn'] } },
    ['spec.validationActions'],
  ],
  [
    'apiregistration.k8s.io',
    'apiservices',
    { metadata: { name: 'x' }, spec: { group: 'g.io', version: 'v1', groupPriorityMinimum: 0, versionPriority: 1 } },
    ['metadata.name', 'spec.groupPriorityMinimum'],
  ],
  [
    'flowcontrol.apiserver.k8s.io',
    'flowschemas',
    { spec: { matchingPrecedence: 1, priorityLevelConfiguration: { name: 'x' } } },
    ['spec.matchingPrecedence'],
  ],
  ['flowcontrol.apiserver.k8s.io', 'prioritylevelconfigurations', { spec: { type: 'Limited' } }, ['spec.limited']],
  [
    'autoscaling',
    'horizontalpodautoscalers',
    { spec: { maxReplicas: 1, minReplicas: 2 } },
    ['spec.maxReplicas', 'spec.scaleTargetRef.kind', 'spec.scaleTargetRef.name'],
  ],
  ['apps', 'controllerrevisions', { revision: -1 }, ['data', 'revision']],
];

for (const [group, plural, object, told] of WRONG)
  test(`refused: ${plural} ${JSON.stringify(object).slice(0, 90)}`, (t) => {
    const kind = kindFor(group, 'v1', plural)!;
    const errors = kind.validate(make(kind, object));
    t.deepEqual([...new Set(errors.map(({ path }) => path))].toSorted(), told);
  });

test('what may not change does not', (t) => {
  const claim = kindFor('', 'v1', 'persistentvolumeclaims')!;
  const bound = make(claim, {
    spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv', ...QUANTITY },
    status: { capacity: { storage: '1Gi' } },
  });
  const told = (change: (object: any) => void): string[] => {
    const next = structuredClone(bound);
    change(next);
    return claim.validateUpdate(next, bound).map(({ path }) => path);
  };
  t.deepEqual(
    told((object) => (object.spec.resources.requests.storage = '2Gi')),
    [],
  );
  t.deepEqual(
    told((object) => (object.spec.resources.requests.storage = '500Mi')),
    ['spec.resources.requests.storage'],
  );
  t.deepEqual(
    told((object) => (object.spec.accessModes = ['ReadOnlyMany'])),
    ['spec'],
  );
  const job = kindFor('batch', 'v1', 'jobs')!;
  const old = make(job, { spec: { ...SELECTED, template: JOB_POD } });
  const next = structuredClone(old);
  next.spec.template.spec.containers[0].image = 'y';
  t.deepEqual(
    job.validateUpdate(next, old).map(({ path }) => path),
    ['spec.template'],
  );
  next.spec = { ...structuredClone(old.spec), suspend: true, parallelism: 3 };
  t.deepEqual(job.validateUpdate(next, old), []);
});

test('schedules are read as cron reads them', (t) => {
  for (const good of ['*/5 * * * *', '0 0 1 jan sun', '1-5,10 */2 ? * 1-5', '@daily', '@every 1h30m'])
    t.is(scheduleProblem(good), undefined, good);
  for (const bad of ['* * * *', '60 * * * *', '5-1 * * * *', '*/0 * * * *', 'x * * * *', '@never', '@every x'])
    t.is(typeof scheduleProblem(bad), 'string', bad);
});

test('another version says the same: an autoscaler of v2 survives v1, an event of core survives events.k8s.io', (t) => {
  const v1 = kindFor('autoscaling', 'v1', 'horizontalpodautoscalers')!;
  const v2 = kindFor('autoscaling', 'v2', 'horizontalpodautoscalers')!;
  const stored = make(v2, {
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'd' },
      maxReplicas: 3,
      metrics: [
        { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    },
  });
  const seen = v1.storedAs!.fromStored(stored);
  t.is(seen['spec'].targetCPUUtilizationPercentage, 50);
  t.truthy(seen.metadata.annotations!['autoscaling.alpha.kubernetes.io/metrics']);
  const back = v1.storedAs!.toStored(seen);
  t.true(equalObjects(back['spec'].behavior, stored.spec.behavior));
  t.deepEqual(back['spec'].metrics.map((one: any) => one.resource.name).toSorted(), ['cpu', 'memory']);
  t.is(v1.cells(seen, NOW).length, v1.columns.length);

  const core = kindFor('', 'v1', 'events')!;
  const other = kindFor('events.k8s.io', 'v1', 'events')!;
  const event = make(core, {
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    message: 'm',
    reason: 'R',
    count: 2,
    type: 'Normal',
  });
  const look = other.storedAs!.fromStored(event);
  t.like(look, { apiVersion: 'events.k8s.io/v1', note: 'm', deprecatedCount: 2, regarding: { name: 'p' } });
  t.true(equalObjects({ ...other.storedAs!.toStored(look), kind: 'Event' }, event));
});

test('property: converting never throws, whatever an object holds', (t) => {
  const value = fc.jsonValue({ maxDepth: 3 });
  for (const kind of KINDS.filter(({ storedAs }) => storedAs !== undefined))
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('metrics', 'currentMetrics', 'behavior', 'conditions'), value),
        (spec) => {
          const object = canonicalOrNothing(kind, { metadata: { name: 'x' }, spec, status: spec });
          if (object === undefined) return;
          kind.storedAs!.fromStored(kind.storedAs!.toStored(object));
        },
      ),
      { numRuns: 50 },
    );
  t.pass();
});

function canonicalOrNothing(kind: Kind, value: object): any {
  try {
    return make(kind, value);
  } catch {
    return undefined;
  }
}
