// Decides what the tests apply: one small workload of each kind that has a controller, whose pods become ready or
// succeed on the hollow runtime. Never talks to a cluster.
import { controllers } from '../../services/controller-manager/controllers/index.ts';
import { IMAGE } from '../kit/manifests.ts';

export interface Workload {
  /** Path of the collection. */
  path: string;
  kind: string;
  manifest(name: string): object;
}

const ENDS = { 'hollow.flotilla.io/exit-code': '0', 'hollow.flotilla.io/exit-after-ms': '50' };

function template(name: string, more: { annotations?: object; spec?: object } = {}): object {
  const { annotations = {}, spec = {} } = more;
  const container = { name: 'web', image: IMAGE, resources: { requests: { cpu: '1m', memory: '1Mi' } } };
  return { metadata: { labels: { app: name }, annotations }, spec: { ...spec, containers: [container] } };
}

function workload(apiVersion: string, kind: string, plural: string, spec: (name: string) => object): Workload {
  return {
    path: `${apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`}/namespaces/default/${plural}`,
    kind,
    manifest: (name) => ({ apiVersion, kind, metadata: { name, namespace: 'default' }, ...spec(name) }),
  };
}

const pod = workload('v1', 'Pod', 'pods', (name) => ({ spec: (template(name) as { spec: object }).spec }));

const kept =
  (more: object = {}) =>
  (name: string) => ({
    spec: { ...more, selector: { matchLabels: { app: name } }, template: template(name) },
  });

/** By the name of the controller that makes their pods. */
const BY_CONTROLLER: Record<string, Workload> = {
  deployment: workload('apps/v1', 'Deployment', 'deployments', kept({ replicas: 1 })),
  replicaset: workload('apps/v1', 'ReplicaSet', 'replicasets', kept({ replicas: 1 })),
  statefulset: workload('apps/v1', 'StatefulSet', 'statefulsets', kept({ replicas: 1, serviceName: 'none' })),
  daemonset: workload('apps/v1', 'DaemonSet', 'daemonsets', kept()),
  job: workload('batch/v1', 'Job', 'jobs', (name) => ({
    spec: { template: template(name, { annotations: ENDS, spec: { restartPolicy: 'Never' } }) },
  })),
  replicationcontroller: workload('v1', 'ReplicationController', 'replicationcontrollers', (name) => ({
    spec: { replicas: 1, selector: { app: name }, template: template(name) },
  })),
};

export function workloads(): Workload[] {
  const options = { rootCa: '', kinds: [], nodeMonitorGraceSeconds: 20, defaultTolerationSeconds: 30 };
  const names = controllers(options).map(({ name }) => name);
  return [pod, ...Object.entries(BY_CONTROLLER).flatMap(([name, one]) => (names.includes(name) ? [one] : []))];
}
