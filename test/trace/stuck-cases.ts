// Decides which ways of being stuck the tests make on a hollow cluster, and what `why` must call each. Never talks to a
// cluster.
import { IMAGE } from '../kit/manifests.ts';

export interface StuckCase {
  /** Also its namespace, with `w-` before it. */
  name: string;
  /** What is asked about: `pod/x`. */
  ask: string;
  code: string;
  /** Words that the answer must hold: the object, the number, the node that is to blame. */
  tells: string[];
  objects: Array<Record<string, unknown>>;
  /** Deleted again, after all has been made: `pod/x`. */
  deletes?: string[];
  /** … and, if it is so wanted, after its containers run. */
  deletesRunning?: boolean;
}

interface PodParts {
  spec?: object;
  container?: object;
  /** Of the hollow runtime. */
  plan?: Record<string, string>;
  labels?: Record<string, string>;
  metadata?: object;
}

function podTemplate({ spec = {}, container = {}, plan = {}, labels = {}, metadata = {} }: PodParts): {
  metadata: object;
  spec: object;
} {
  const annotations = Object.fromEntries(
    Object.entries(plan).map(([key, value]) => [`hollow.flotilla.io/${key}`, value]),
  );
  return {
    metadata: { labels: { app: 'x', ...labels }, annotations, ...metadata },
    spec: {
      terminationGracePeriodSeconds: 1,
      ...spec,
      containers: [{ name: 'main', image: IMAGE, ...container }],
    },
  };
}

function pod(parts: PodParts = {}): Record<string, unknown> {
  const { metadata, spec } = podTemplate(parts);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'x' }, spec };
}

function deployment(parts: PodParts = {}, more: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'x' } }, template: podTemplate(parts), ...more },
  };
}

function service(spec: object): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec };
}

const configMap = (metadata: object = {}): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', ...metadata },
  data: { there: '1' },
});

const env = (valueFrom: object): object => ({ env: [{ name: 'A', valueFrom }] });
const probe = { exec: { command: ['false'] }, periodSeconds: 1 };
const claim = (spec: object): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});

type Short = Omit<StuckCase, 'name' | 'ask'> & { ask?: string };

function named(cases: Record<string, Short>): StuckCase[] {
  return Object.entries(cases).map(([name, one]) => ({ name, ask: 'pod/x', ...one }));
}

export const STUCK_CASES: readonly StuckCase[] = named({
  'too-large': {
    code: 'unschedulable',
    tells: ['node-1 has', 'node-2 has', 'the pod asks for 900', 'Insufficient cpu'],
    objects: [pod({ container: { resources: { requests: { cpu: '900' } } } })],
  },
  'no-such-label': {
    code: 'unschedulable',
    tells: ['node-1 has no label disk', 'node-2 has no label disk', 'disk=fast'],
    objects: [pod({ spec: { nodeSelector: { disk: 'fast' } } })],
  },
  gated: {
    code: 'scheduling-gate',
    tells: ['example.com/wait'],
    objects: [pod({ spec: { schedulingGates: [{ name: 'example.com/wait' }] } })],
  },
  'other-scheduler': {
    code: 'other-scheduler',
    tells: ['nobody'],
    objects: [pod({ spec: { schedulerName: 'nobody' } })],
  },
  'no-claim': {
    code: 'missing-claim',
    tells: ['data'],
    objects: [
      pod({
        spec: {
          nodeSelector: { disk: 'fast' },
          volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
        },
      }),
    ],
  },
  'no-node': { code: 'node-gone', tells: ['node-99'], objects: [pod({ spec: { nodeName: 'node-99' } })] },
  'refused-by-node': {
    code: 'rejected',
    tells: ['OutOfcpu', 'node-1'],
    objects: [pod({ spec: { nodeName: 'node-1' }, container: { resources: { requests: { cpu: '900' } } } })],
  },
  'no-image': {
    code: 'image-not-found',
    tells: ['registry.local/no-such-image:1', 'not found'],
    objects: [pod({ container: { image: 'registry.local/no-such-image:1' } })],
  },
  'bad-image': {
    code: 'invalid-image-name',
    tells: ['UPPER/case'],
    objects: [pod({ container: { image: 'UPPER/case' } })],
  },
  'never-pull': {
    code: 'image-never-pull',
    tells: ['registry.local/other:1'],
    objects: [pod({ container: { image: 'registry.local/other:1', imagePullPolicy: 'Never' } })],
  },
  'no-configmap': {
    code: 'missing-configmap',
    tells: ['nowhere', 'w-no-configmap'],
    objects: [pod({ container: env({ configMapKeyRef: { name: 'nowhere', key: 'a' } }) })],
  },
  'no-secret': {
    code: 'missing-secret',
    tells: ['nowhere'],
    objects: [pod({ container: { envFrom: [{ secretRef: { name: 'nowhere' } }] } })],
  },
  'no-key': {
    code: 'missing-key',
    tells: ['absent', 'settings'],
    objects: [configMap(), pod({ container: env({ configMapKeyRef: { name: 'settings', key: 'absent' } }) })],
  },
  'no-volume-source': {
    code: 'missing-configmap',
    tells: ['nowhere'],
    objects: [pod({ spec: { volumes: [{ name: 'v', configMap: { name: 'nowhere' } }] } })],
  },
  'no-volume-key': {
    code: 'missing-key',
    tells: ['absent', 'settings'],
    objects: [
      configMap(),
      pod({
        spec: { volumes: [{ name: 'v', configMap: { name: 'settings', items: [{ key: 'absent', path: 'a' }] } }] },
      }),
    ],
  },
  'no-address': { code: 'sandbox', tells: ['no address is free'], objects: [pod({ plan: { sandbox: 'full' } })] },
  'not-ready': {
    code: 'readiness',
    tells: ['Readiness probe failed', 'false every 1 s'],
    objects: [pod({ container: { readinessProbe: probe }, plan: { 'exec-exit-code': '1' } })],
  },
  'not-started': {
    code: 'startup',
    tells: ['Startup probe failed'],
    objects: [
      pod({ container: { startupProbe: { ...probe, failureThreshold: 1000 } }, plan: { 'exec-exit-code': '1' } }),
    ],
  },
  'not-alive': {
    code: 'liveness',
    tells: ['Liveness probe failed', 'restart'],
    objects: [
      pod({ container: { livenessProbe: { ...probe, failureThreshold: 1 } }, plan: { 'exec-exit-code': '1' } }),
    ],
  },
  crashes: {
    code: 'crash-loop',
    tells: ['exit code 7', '--previous'],
    objects: [pod({ plan: { 'exit-code': '7', 'exit-after-ms': '20' } })],
  },
  'out-of-memory': {
    code: 'oom-killed',
    tells: ['64Mi'],
    objects: [
      pod({
        container: { resources: { limits: { memory: '64Mi' } } },
        plan: { 'exit-code': '137', 'exit-reason': 'OOMKilled', 'exit-after-ms': '20' },
      }),
    ],
  },
  'no-program': { code: 'start-failed', tells: ['container main'], objects: [pod({ plan: { start: 'fail' } })] },
  'init-fails': {
    code: 'init-failed',
    tells: ['init container setup', 'exit code 4'],
    objects: [
      pod({
        spec: { initContainers: [{ name: 'setup', image: IMAGE }] },
        plan: { 'exit-code': '4', 'exit-after-ms': '20' },
      }),
    ],
  },
  deadline: {
    code: 'deadline',
    tells: ['activeDeadlineSeconds 1'],
    objects: [pod({ spec: { activeDeadlineSeconds: 1 } })],
  },
  failed: {
    code: 'failed',
    tells: ['exit code 3'],
    objects: [pod({ spec: { restartPolicy: 'Never' }, plan: { 'exit-code': '3', 'exit-after-ms': '20' } })],
  },
  'readiness-gate': {
    code: 'readiness-gate',
    tells: ['example.com/front'],
    objects: [pod({ spec: { readinessGates: [{ conditionType: 'example.com/front' }] } })],
  },
  'held-pod': {
    code: 'finalizer',
    tells: ['example.com/hold'],
    objects: [pod({ metadata: { finalizers: ['example.com/hold'] }, spec: { nodeSelector: { disk: 'fast' } } })],
    deletes: ['pod/x'],
  },
  'deaf-pod': {
    code: 'terminating',
    tells: ['SIGTERM'],
    objects: [pod({ spec: { terminationGracePeriodSeconds: 900 }, plan: { 'ignores-term': 'true' } })],
    deletes: ['pod/x'],
    deletesRunning: true,
  },
  'held-configmap': {
    ask: 'configmap/settings',
    code: 'finalizer',
    tells: ['example.com/hold'],
    objects: [configMap({ finalizers: ['example.com/hold'] })],
    deletes: ['configmap/settings'],
  },
  'held-namespace': {
    ask: 'namespace/w-held-namespace',
    code: 'namespace-finalizer',
    tells: ['configmap/settings', 'example.com/hold'],
    objects: [configMap({ finalizers: ['example.com/hold'] })],
    deletes: ['namespace/w-held-namespace'],
  },
  'selects-nothing': {
    ask: 'service/x',
    code: 'selector-matches-nothing',
    tells: ['app=y', 'pod/x has app=x'],
    objects: [pod(), service({ selector: { app: 'y' }, ports: [{ port: 80 }] })],
  },
  'selects-unready': {
    ask: 'service/x',
    code: 'readiness',
    tells: ['no endpoints', 'Readiness probe failed'],
    objects: [
      pod({ container: { readinessProbe: probe }, plan: { 'exec-exit-code': '1' } }),
      service({ selector: { app: 'x' }, ports: [{ port: 80 }] }),
    ],
  },
  'no-port': {
    ask: 'service/x',
    code: 'port-name',
    tells: ['web'],
    objects: [pod(), service({ selector: { app: 'x' }, ports: [{ port: 80, targetPort: 'web' }] })],
  },
  'no-selector': {
    ask: 'service/x',
    code: 'no-selector',
    tells: ['EndpointSlice'],
    objects: [service({ ports: [{ port: 80 }] })],
  },
  'rollout-fails': {
    ask: 'deployment/x',
    code: 'image-not-found',
    tells: ['registry.local/no-such-image:1', '2 of 2 pods', 'rollout undo', 'replicaset/x-'],
    objects: [deployment({ container: { image: 'registry.local/no-such-image:1' } }, { progressDeadlineSeconds: 1 })],
  },
  paused: {
    ask: 'deployment/x',
    code: 'paused',
    tells: ['rollout resume'],
    objects: [deployment({}, { paused: true })],
  },
  'no-account': {
    ask: 'deployment/x',
    code: 'missing-service-account',
    tells: ['nobody', 'replicaset/x-'],
    objects: [deployment({ spec: { serviceAccountName: 'nobody' } })],
  },
  'no-class': {
    ask: 'persistentvolumeclaim/data',
    code: 'missing-storage-class',
    tells: ['fast'],
    objects: [claim({ storageClassName: 'fast' })],
  },
  'no-volume': {
    ask: 'persistentvolumeclaim/data',
    code: 'no-volume',
    tells: ['PersistentVolume'],
    objects: [claim({ storageClassName: '' })],
  },
  'not-there': { ask: 'pod/y', code: 'not-found', tells: ['pod/y'], objects: [] },
  'is-ready': { ask: 'deployment/x', code: 'ready', tells: ['2 of its pods'], objects: [deployment()] },
  'is-served': {
    ask: 'service/x',
    code: 'ready',
    tells: ['sends to'],
    objects: [deployment(), service({ selector: { app: 'x' }, ports: [{ port: 80 }] })],
  },
});

export function namespaceOf(one: StuckCase): string {
  return `w-${one.name}`;
}
