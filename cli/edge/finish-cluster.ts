// Does: waits until a cluster whose processes run can be used: the API answers, a pod may be made, the nodes are Ready.
// Never starts a process.
import { setTimeout as pause } from 'node:timers/promises';
import { RESOURCES } from '../../lib/api/resource.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { EndpointSlice, Node, ServiceAccount } from '../../lib/api/generated/types.ts';
import type { RunningCluster } from '../../launcher/up.ts';
import type { Progress } from './progress.ts';
import { openSession, type Session } from './session.ts';

const WAIT_MS = 90_000;

export async function finishCluster(running: RunningCluster, progress: Progress): Promise<void> {
  const session = openSession({ home: running.home.root, kubeconfig: running.home.kubeconfig });
  try {
    await untilItWorks('the API to answer', async () => {
      await session.send({ method: 'GET', path: '/readyz' });
      return true;
    });
    progress.say('the API is ready');
    await untilItWorks('the service account that pods run as', () => hasAccount(session));
    await untilItWorks('the DNS to publish its Service', () => hasDns(session));
    const told = new Set<string>();
    await untilItWorks('all nodes to be Ready', () => allReady(session, running, progress, told));
  } finally {
    session.close();
  }
}

/** The controller manager makes it; a pod that comes before it is refused. */
async function hasAccount(session: Session): Promise<boolean> {
  await session.client.get<ServiceAccount>(RESOURCES.serviceAccounts, { namespace: 'default', name: 'default' });
  return true;
}

/** Pods find names by the Service that the DNS actor keeps itself. */
async function hasDns(session: Session): Promise<boolean> {
  const labelSelector = 'kubernetes.io/service-name=kube-dns';
  const { items } = await session.client.list<EndpointSlice>(RESOURCES.endpointSlices, {
    namespace: 'kube-system',
    labelSelector,
  });
  return items.some(({ endpoints }) => (endpoints ?? []).length > 0);
}

/** `told`: nodes that have had their line. */
async function allReady(
  session: Session,
  { cluster }: RunningCluster,
  progress: Progress,
  told: Set<string>,
): Promise<boolean> {
  const { items } = await session.client.list<Node>(RESOURCES.nodes);
  const ready = new Set(items.filter(isReady).map((node) => node.metadata!.name!));
  for (const name of ready) if (!told.has(name)) progress.say(`${name} is Ready`);
  for (const name of ready) told.add(name);
  return cluster.nodes.every((name) => ready.has(name));
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

async function untilItWorks(what: string, attempt: () => Promise<boolean>): Promise<void> {
  let last = '';
  for (const until = Date.now() + WAIT_MS; Date.now() < until; await pause(100)) {
    try {
      if (await attempt()) return;
    } catch (error) {
      last = `: ${messageOf(error)}`;
    }
  }
  throw new Error(`waited ${WAIT_MS / 1000} s for ${what}${last}`);
}
