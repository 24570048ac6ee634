// Decides what the tests run: small manifests of the demo image, and how ready is read. Never talks to a cluster.
import type { Pod } from '../../lib/api/generated/types.ts';

export const IMAGE = 'ghcr.io/acme/web:1a2b3c4';

export interface List<T> {
  items: T[];
}

export interface Web {
  name: string;
  replicas: number;
  /** Environment of the container: a change of it is a new revision. */
  version?: string;
  readinessFile?: string;
  strategy?: object;
  /** How long pods stay bound to a node that is gone; Kubernetes' own five minutes where absent. */
  tolerationSeconds?: number;
  /** How long a pod goes on serving after it is told to end; the image's own two seconds where absent. */
  drainSeconds?: number;
}

/** A Deployment of the demo image with an http readiness probe, and a Service of the same name. */
export function web(options: Web): string {
  const { name, replicas, version = 'v1', readinessFile, strategy, tolerationSeconds, drainSeconds } = options;
  const drain = drainSeconds === undefined ? [] : [{ name: 'DRAIN_SECONDS', value: String(drainSeconds) }];
  const probe =
    readinessFile === undefined
      ? { httpGet: { path: '/', port: 8080 } }
      : { exec: { command: ['cat', readinessFile] } };
  return yaml(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels: { app: name } },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        ...(strategy === undefined ? {} : { strategy }),
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 10 + (drainSeconds ?? 0),
            ...(tolerationSeconds === undefined ? {} : { tolerations: goneTolerations(tolerationSeconds) }),
            containers: [
              {
                name: 'web',
                image: IMAGE,
                env: [{ name: 'VERSION', value: version }, ...drain],
                ports: [{ containerPort: 8080 }],
                resources: { requests: { cpu: '20m', memory: '16Mi' } },
                // An answer that is late on a busy machine is an answer.
                readinessProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 10 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  );
}

/** A bare pod that runs one shell line. */
export function shellPod(name: string, line: string, more: { pod?: object; container?: object } = {}): string {
  return yaml({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 2,
      ...more.pod,
      containers: [{ name: 'main', image: IMAGE, command: ['sh', '-c', line], ...more.container }],
    },
  });
}

/** JSON documents are YAML documents. */
export function yaml(...documents: object[]): string {
  return documents.map((document) => `---\n${JSON.stringify(document)}\n`).join('');
}

export function isReady(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
  );
}

function goneTolerations(tolerationSeconds: number): object[] {
  return ['not-ready', 'unreachable'].map((word) => ({
    key: `node.kubernetes.io/${word}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  }));
}
