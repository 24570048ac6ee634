import test from 'ava';
import type { Pod } from '../generated/types.ts';
import { kindFor } from '../kind.ts';
import { pullPolicyOf } from './defaults.ts';
import { validateEphemeralContainers } from './ephemeral.ts';
import { qosClassOf } from './qos.ts';
import { resizedSpec, validateResize } from './resize.ts';
import { summarizePod } from './status.ts';

const kind = kindFor('', 'v1', 'pods')!;
const NOW = Date.parse('2026-11-22T08:00:00Z');

function podOf(spec: any, metadata: any = {}): any {
  const pod: any = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec },
  };
  kind.default(pod);
  return pod;
}
const problems = (spec: any): string[] => kind.validate(podOf(spec)).map((error) => `${error.path}: ${error.message}`);
const container = (extra: any): any => ({ containers: [{ name: 'c', image: 'i:1', ...extra }] });

test('the tag decides the pull policy', (t) => {
  for (const image of ['nginx', 'nginx:latest', 'host:5000/nginx', 'a/b/c']) t.is(pullPolicyOf(image), 'Always', image);
  for (const image of ['nginx:1', 'nginx@sha256:abc', 'host:5000/nginx:1', 'ghcr.io/acme/web:1a2b3c4'])
    t.is(pullPolicyOf(image), 'IfNotPresent', image);
});

test('defaults of probes, ports, volumes, environment; applied twice they change nothing', (t) => {
  const pod = podOf({
    hostNetwork: true,
    serviceAccount: 'old',
    containers: [
      {
        name: 'c',
        image: 'i',
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        readinessProbe: { exec: { command: ['x'] }, periodSeconds: 3 },
        startupProbe: { grpc: { port: 1 } },
        lifecycle: { preStop: { httpGet: { port: 1 } } },
        env: [
          { name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'M', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        ],
        resources: { limits: { cpu: '100u', memory: '1Gi' }, requests: { memory: '1Mi' } },
      },
    ],
    volumes: [
      { name: 'none' },
      { name: 'h', hostPath: { path: '/x' } },
      {
        name: 'p',
        projected: {
          sources: [
            { serviceAccountToken: { path: 't' } },
            { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
    ],
  });
  const c = pod.spec.containers[0];
  t.deepEqual(c.ports, [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  t.deepEqual(c.livenessProbe, {
    httpGet: { port: 80, path: '/', scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  t.is(c.readinessProbe.periodSeconds, 3);
  t.is(c.startupProbe.grpc.service, '');
  t.is(c.lifecycle.preStop.httpGet.scheme, 'HTTP');
  t.is(c.env[0].valueFrom.fieldRef.apiVersion, 'v1');
  t.is(c.env[1].valueFrom.resourceFieldRef.divisor, '0');
  t.deepEqual(c.resources, { limits: { cpu: '1m', memory: '1Gi' }, requests: { memory: '1Mi', cpu: '1m' } });
  t.deepEqual(pod.spec.volumes[0], { name: 'none', emptyDir: {} });
  t.is(pod.spec.volumes[1].hostPath.type, '');
  t.is(pod.spec.volumes[2].projected.defaultMode, 420);
  t.is(pod.spec.volumes[2].projected.sources[0].serviceAccountToken.expirationSeconds, 3600);
  t.is(pod.spec.volumes[2].projected.sources[1].downwardAPI.items[0].fieldRef.apiVersion, 'v1');
  t.deepEqual([pod.spec.serviceAccountName, pod.spec.enableServiceLinks, pod.spec.securityContext], ['old', true, {}]);
  const again = structuredClone(pod);
  kind.default(again);
  t.deepEqual(again, pod);
});

test('rules of containers, each with its exact path and text', (t) => {
  t.deepEqual(problems({}), []);
  t.deepEqual(problems({ containers: [] }), ['spec.containers: Required value']);
  t.deepEqual(
    problems({
      containers: [
        { name: 'c', image: 'i:1' },
        { name: 'c', image: '' },
      ],
    }),
    ['spec.containers[1].image: Required value', 'spec.containers[1].name: Duplicate value: "c"'],
  );
  t.deepEqual(
    problems(
      container({
        ports: [
          { containerPort: 70000 },
          { containerPort: 80, protocol: 'ICMP' },
          { containerPort: 81, name: 'much-too-long-name' },
        ],
      }),
    ),
    [
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      'spec.containers[0].ports[2].name: Invalid value: "much-too-long-name": must be no more than 15 characters',
    ],
  );
  t.deepEqual(
    problems(
      container({
        env: [{ name: '' }, { name: 'a=b' }, { name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's' } } }],
      }),
    ),
    [
      'spec.containers[0].env[0].name: Required value',
      'spec.containers[0].env[1].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
      'spec.containers[0].env[2].valueFrom.secretKeyRef.key: Required value',
      'spec.containers[0].env[2].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
  );
  t.deepEqual(
    problems(
      container({
        volumeMounts: [
          { name: 'gone', mountPath: '/x' },
          { name: '', mountPath: '/x', subPath: '../y' },
        ],
      }),
    ),
    [
      'spec.containers[0].volumeMounts[0].name: Not found: "gone"',
      'spec.containers[0].volumeMounts[1].name: Required value',
      'spec.containers[0].volumeMounts[1].name: Not found: ""',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
      'spec.containers[0].volumeMounts.subPath: Invalid value: "../y": must not contain \'..\'',
    ],
  );
  t.deepEqual(
    problems(
      container({ resources: { requests: { cpu: '2', memory: '-1' }, limits: { cpu: '1', 'requests.x/y': '1' } } }),
    ),
    [
      "spec.containers[0].resources.limits[requests.x/y]: Invalid value: requests.x/y: doesn't follow extended resource name standard",
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
      "spec.containers[0].resources.requests[requests.x/y]: Invalid value: requests.x/y: doesn't follow extended resource name standard",
    ],
  );
  t.deepEqual(
    problems(container({ livenessProbe: { successThreshold: 2, httpGet: { port: 0 } }, readinessProbe: {} })),
    [
      'spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe: Required value: must specify a handler type',
    ],
  );
});

test('rules of volumes, scheduling and the rest of the spec', (t) => {
  t.deepEqual(
    problems({
      volumes: [
        { name: 'a', emptyDir: {}, hostPath: { path: '/' } },
        { name: 'A', secret: {} },
      ],
    }),
    [
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
      'spec.volumes[1].secret.secretName: Required value',
      "spec.volumes[1].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  );
  t.deepEqual(problems({ restartPolicy: 'Sometimes', dnsPolicy: 'None' }), [
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ]);
  t.deepEqual(problems({ tolerations: [{ operator: 'Equal', effect: 'NoSchedule', tolerationSeconds: 3 }] }), [
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    'spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
  ]);
  t.deepEqual(
    problems({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
    }),
    [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
    ],
  );
  t.deepEqual(
    problems({ nodeName: 'n', schedulingGates: [{ name: 'a.b/c' }], ephemeralContainers: [{ name: 'e', image: 'x' }] }),
    [
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
    ],
  );
});

test('a running pod keeps its spec but for images, a deadline and more tolerations', (t) => {
  const old = podOf({ activeDeadlineSeconds: 10 });
  const changed = (change: (pod: any) => void): string[] => {
    const pod = structuredClone(old);
    change(pod);
    kind.default(pod);
    kind.prepareForUpdate(pod, old);
    return kind.validateUpdate(pod, old).map((error) => `${error.path}: ${error.message.split('\n')[0]}`);
  };
  t.deepEqual(
    changed((pod) => (pod.spec.containers[0].image = 'i:2')),
    [],
  );
  t.deepEqual(
    changed((pod) => (pod.spec.tolerations = [{ key: 'a', operator: 'Exists' }])),
    [],
  );
  t.deepEqual(
    changed((pod) => (pod.metadata.labels = { a: 'b' })),
    [],
  );
  t.regex(
    changed((pod) => (pod.spec.containers[0].args = ['x']))[0]!,
    /^spec: Forbidden: pod updates may not change fields other than/,
  );
  t.deepEqual(
    changed((pod) => pod.spec.containers.push({ name: 'd', image: 'x' })),
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  );
  t.deepEqual(
    changed((pod) => (pod.spec.activeDeadlineSeconds = 20)),
    ['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
  );
  t.true(changed((pod) => delete pod.spec.activeDeadlineSeconds)[0]!.startsWith('spec.activeDeadlineSeconds'));
});

test('quality of service', (t) => {
  const qos = (...resources: any[]): string =>
    qosClassOf({ containers: resources.map((r, i) => ({ name: `c${i}`, resources: r })) });
  t.is(qos({}), 'BestEffort');
  t.is(qos({ requests: { cpu: '1' } }), 'Burstable');
  t.is(qos({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed');
  t.is(qos({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }), 'Guaranteed');
  t.is(qos({ limits: { cpu: '1', memory: '1Gi' } }, {}), 'Burstable');
});

test('grace: what nobody runs goes at once', (t) => {
  const grace = (pod: any, requested?: number): number => kind.graceSeconds(pod, requested);
  t.is(grace(podOf({})), 0);
  t.is(grace(podOf({ nodeName: 'n' })), 30);
  t.is(grace(podOf({ nodeName: 'n', terminationGracePeriodSeconds: 5 })), 5);
  t.is(grace(podOf({ nodeName: 'n' }), 0), 0);
  t.is(grace(podOf({ nodeName: 'n' }), -1), 1);
  t.is(grace({ ...podOf({ nodeName: 'n' }), status: { phase: 'Failed' } }), 0);
});

const running = (name: string, extra: any = {}): any => ({
  name,
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...extra,
});
const waiting = (name: string, reason: string, extra: any = {}): any => ({
  name,
  ready: false,
  restartCount: 0,
  state: { waiting: { reason } },
  ...extra,
});
const ended = (name: string, exitCode: number, reason?: string, extra: any = {}): any => ({
  name,
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, reason, ...extra } },
});

function summary(status: any, spec: any = {}, metadata: any = {}): string {
  const pod = { metadata: { name: 'p', ...metadata }, spec: { containers: [{ name: 'c' }], ...spec }, status } as Pod;
  const { ready, status: text, restarts } = summarizePod(pod, NOW);
  return `${ready} ${text} ${restarts}`;
}

test('STATUS, READY and RESTARTS are those of kubectl', (t) => {
  const init = { initContainers: [{ name: 'i1' }, { name: 'i2' }] };
  t.is(summary({ phase: 'Pending' }), '0/1 Pending 0');
  t.is(
    summary({ phase: 'Pending', containerStatuses: [waiting('c', 'ContainerCreating')] }),
    '0/1 ContainerCreating 0',
  );
  t.is(summary({ phase: 'Running', containerStatuses: [running('c')] }), '1/1 Running 0');
  const crashed = { restartCount: 4, lastState: { terminated: { exitCode: 1, finishedAt: '2026-11-22T07:59:30Z' } } };
  t.is(
    summary({ phase: 'Running', containerStatuses: [waiting('c', 'CrashLoopBackOff', crashed)] }),
    '0/1 CrashLoopBackOff 4 (30s ago)',
  );
  t.is(summary({ phase: 'Succeeded', containerStatuses: [ended('c', 0, 'Completed')] }), '0/1 Completed 0');
  t.is(summary({ phase: 'Failed', containerStatuses: [ended('c', 1, 'Error')] }), '0/1 Error 0');
  t.is(summary({ phase: 'Failed', containerStatuses: [ended('c', 137, undefined, { signal: 9 })] }), '0/1 Signal:9 0');
  t.is(summary({ phase: 'Failed', containerStatuses: [ended('c', 3)] }), '0/1 ExitCode:3 0');
  t.is(
    summary({ phase: 'Pending', initContainerStatuses: [ended('i1', 0), running('i2', { ready: false })] }, init),
    '0/1 Init:1/2 0',
  );
  t.is(summary({ phase: 'Pending', initContainerStatuses: [ended('i1', 2)] }, init), '0/1 Init:ExitCode:2 0');
  t.is(
    summary(
      { phase: 'Pending', initContainerStatuses: [waiting('i1', 'CrashLoopBackOff', { restartCount: 2 })] },
      init,
    ),
    '0/1 Init:CrashLoopBackOff 2',
  );
  t.is(
    summary({ phase: 'Pending', initContainerStatuses: [waiting('i1', 'PodInitializing')] }, init),
    '0/1 Init:0/2 0',
  );
  t.is(
    summary({ phase: 'Running', containerStatuses: [running('c')] }, {}, { deletionTimestamp: '2026-11-22T08:00:00Z' }),
    '1/1 Terminating 0',
  );
  t.is(
    summary(
      { phase: 'Succeeded', containerStatuses: [ended('c', 0, 'Completed')] },
      {},
      { deletionTimestamp: '2026-11-22T08:00:00Z' },
    ),
    '0/1 Completed 0',
  );
  t.is(
    summary({ phase: 'Running', reason: 'NodeLost' }, {}, { deletionTimestamp: '2026-11-22T08:00:00Z' }),
    '0/1 Unknown 0',
  );
  t.is(summary({ phase: 'Failed', reason: 'Evicted' }), '0/1 Evicted 0');
  t.is(
    summary({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
    '0/1 SchedulingGated 0',
  );
  const two = { containers: [{ name: 'c' }, { name: 'd' }] };
  t.is(
    summary({ phase: 'Running', containerStatuses: [ended('c', 0, 'Completed'), running('d')] }, two),
    '1/2 NotReady 0',
  );
  const sidecar = { initContainers: [{ name: 's', restartPolicy: 'Always' }] };
  t.is(
    summary(
      {
        phase: 'Running',
        initContainerStatuses: [running('s', { started: true, restartCount: 1 })],
        containerStatuses: [running('c')],
      },
      sidecar,
    ),
    '2/2 Running 1',
  );
});

test('a running pod may be given ephemeral containers, and keeps the ones it has', (t) => {
  const withOnes = (...containers: any[]): Pod => podOf({ ephemeralContainers: containers });
  const debug = { name: 'debug', image: 'i:1', stdin: true, tty: true, targetContainerName: 'c' };
  const told = (now: Pod, old: Pod): string[] =>
    validateEphemeralContainers(now, old).map((error) => `${error.path}: ${error.message}`);
  t.deepEqual(told(withOnes(debug), withOnes()), []);
  t.deepEqual(told(withOnes(), withOnes(debug)), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
  ]);
  t.deepEqual(told(withOnes({ ...debug, image: 'i:2' }), withOnes(debug)), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n',
  ]);
  t.deepEqual(
    told(withOnes({ ...debug, name: 'c', targetContainerName: 'x', ports: [{ containerPort: 1 }] }), withOnes()),
    [
      'spec.ephemeralContainers[0].name: Duplicate value: "c"',
      'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
    ],
  );
});

test('a pod is resized within its class, in cpu and memory, where its node can', (t) => {
  const withResources = (resources: object, status: object = {}): Pod => ({
    ...podOf({ containers: [{ name: 'c', image: 'i:1', resources }] }),
    status,
  });
  const old = withResources({ requests: { cpu: '1' }, limits: { cpu: '2', memory: '1Gi' } });
  const told = (resources: object, was = old): string[] => {
    const wanted = withResources(resources);
    const pod = { ...was, spec: resizedSpec(wanted.spec, was.spec) };
    return validateResize(pod, was).map((error) => `${error.path}: ${error.message}`);
  };
  t.deepEqual(told({ requests: { cpu: '1500m' }, limits: { cpu: '2', memory: '2Gi' } }), []);
  t.deepEqual(told({ requests: { cpu: '3' }, limits: { cpu: '2', memory: '1Gi' } }), [
    'spec.containers[0].resources.requests: Invalid value: "3": must be less than or equal to cpu limit of 2',
  ]);
  t.deepEqual(told({ requests: { cpu: '1' }, limits: { memory: '1Gi' } }), [
    'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
  ]);
  t.deepEqual(told({ requests: { cpu: '1' }, limits: { cpu: '2', memory: '1Mi' } }), [
    'spec.containers[0].resources.limits: Forbidden: memory limits cannot be decreased unless resizePolicy is RestartContainer',
  ]);
  t.deepEqual(told({ requests: { cpu: '1', 'ephemeral-storage': '1Gi' }, limits: { cpu: '2', memory: '1Gi' } }), [
    'spec: Forbidden: only cpu and memory resources are mutable',
  ]);
  t.deepEqual(told({ requests: { cpu: '2', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } }), [
    'spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
  ]);
  const running = { containerStatuses: [{ name: 'c', state: { running: {} } }] };
  t.deepEqual(
    told({ requests: { cpu: '1500m' }, limits: { cpu: '2', memory: '1Gi' } }, { ...old, status: running } as Pod),
    ['spec: Forbidden: Pod running on node without support for resize'],
  );
  const more = podOf({ containers: [...old.spec.containers!, { name: 'd', image: 'i:1' }] });
  t.deepEqual(
    validateResize({ ...old, spec: resizedSpec(more.spec, old.spec) }, old).map(({ message }) => message),
    ['Forbidden: containers may not be added or removed on resize'],
  );
});
