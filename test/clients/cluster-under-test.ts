// Does: gives each test of a client library the same cluster, a namespace of its own, a pod to talk with and a kubeconfig.
// Never speaks to the API in any other way than the library does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiException, CoreV1Api, KubeConfig, type V1Container } from '@kubernetes/client-node';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { IMAGE } from '../kit/manifests.ts';
import type { Place } from './conversations.ts';

export const cluster = new TestCluster({
  name: `clients-${process.pid}`,
  args: ['--nodes', '1'],
});

export function kubeconfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(readFileSync(join(cluster.home, 'kubeconfig'), 'utf8'));
  return config;
}

/** A namespace that takes pods: its service account is there. */
export async function freshNamespace(name: string): Promise<string> {
  const core = kubeconfig().makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name } } });
  await eventually('the service account of the namespace', () =>
    core.readNamespacedServiceAccount({ name: 'default', namespace: name }),
  );
  return name;
}

/** A pod that runs one shell line in its container `main`, and is ready. */
export async function readyPod(
  namespace: string,
  name: string,
  line: string,
  container: Partial<V1Container> = {},
): Promise<Place> {
  const core = kubeconfig().makeApiClient(CoreV1Api);
  const spec = {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: IMAGE, command: ['sh', '-c', line], ...container }],
  };
  await core.createNamespacedPod({ namespace, body: { metadata: { name, labels: { app: name } }, spec } });
  await eventually(`${name} is ready`, async () => {
    const { status } = await core.readNamespacedPod({ name, namespace });
    return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  });
  return { namespace, pod: name, container: 'main' };
}

/** The code with which a request was refused; throws if it was not. */
export async function refusal(request: Promise<unknown>): Promise<{ code: number; message: string; reason: string }> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const body = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as Record<string, string>;
    return { code: error.code, message: body['message'] ?? '', reason: body['reason'] ?? '' };
  }
  throw new Error('the request was not refused');
}
