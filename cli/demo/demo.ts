// Does: the demonstration after `up`: applies the article's Deployment, shows its pods as they come, tells the chain as
// the trace recorded it, and asks the Service. Never changes anything but what examples/web.yaml says.
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RESOURCES } from '../../lib/api/resource.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { Pod, Service } from '../../lib/api/generated/types.ts';
import type { RunningCluster } from '../../launcher/up.ts';
import { readIfThere } from '../../launcher/edge/files.ts';
import { kindText } from '../core/resources.ts';
import { tableLines } from '../core/table-text.ts';
import { articleChain } from '../core/trace/chain.ts';
import { milliseconds } from '../core/trace/text.ts';
import { buildForest, rootOf } from '../core/trace/tree.ts';
import { applyObject } from '../edge/apply-object.ts';
import { joinBus } from '../edge/cluster-bus.ts';
import { readManifests } from '../edge/manifests.ts';
import type { Progress } from '../edge/progress.ts';
import { openSession, type Session } from '../edge/session.ts';
import { watchLines } from '../edge/watch.ts';
import { askService } from './ask-service.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/web.yaml', import.meta.url));
const REPLICAS = 3;
const SERVICE_PORT = 80;
const READY_MS = 120_000;
/** Spans travel on their own: the last ones may arrive after the pod is Ready. */
const CHAIN_MS = 5000;

export async function runDemo(running: RunningCluster, progress: Progress): Promise<void> {
  const session = openSession({ home: running.home.root, kubeconfig: running.home.kubeconfig });
  try {
    progress.say(`applying examples/web.yaml`);
    const fresh = await apply(session, progress);
    await followPods(session, progress);
    await printChain(running, fresh, progress);
    await printAnswers(running, session, progress);
    printNext(running, await readyPods(session));
  } finally {
    session.close();
  }
}

/** true: something was created or changed. */
async function apply(session: Session, progress: Progress): Promise<boolean> {
  const index = await session.resources();
  let fresh = false;
  for (const manifest of await readManifests([EXAMPLE])) {
    const { resource, applied } = await applyObject(session, index, manifest, undefined);
    progress.say(`${kindText(resource)}/${manifest.object.metadata.name} ${applied}`);
    fresh ||= applied !== 'unchanged';
  }
  return fresh;
}

/** A line for each step of each pod, until three are ready. */
async function followPods(session: Session, progress: Progress): Promise<void> {
  const said = new Map<string, string>();
  const ready = new Set<string>();
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), READY_MS);
  try {
    for await (const { type, object } of watchLines(
      session,
      '/api/v1/namespaces/default/pods',
      { labelSelector: 'app=web' },
      'application/json',
      end.signal,
    )) {
      for (const pod of type === 'LISTED' ? (object['items'] as Pod[]) : [object as unknown as Pod]) {
        const name = pod.metadata!.name!;
        const step = type === 'DELETED' ? 'gone' : stepOf(pod);
        if (said.get(name) !== step) progress.say(`pod ${name} ${step}`);
        said.set(name, step);
        if (step.startsWith('ready')) ready.add(name);
        else ready.delete(name);
      }
      if (ready.size >= REPLICAS) return;
    }
  } finally {
    clearTimeout(timer);
    end.abort();
  }
  throw new Error(
    `${ready.size} of ${REPLICAS} pods are ready after ${READY_MS / 1000} s: \`flotilla describe pods -l app=web\` says why`,
  );
}

function stepOf({ metadata, spec, status }: Pod): string {
  if (metadata?.deletionTimestamp !== undefined) return 'terminates';
  const on = spec?.nodeName ? ` on ${spec.nodeName}` : '';
  if (isReady(status)) return `ready${on} (${status?.podIP})`;
  const state = status?.containerStatuses?.[0]?.state;
  if (state?.running !== undefined) return `runs${on}`;
  const waiting = state?.waiting?.reason;
  if (on === '') return status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? 'waits for a node';
  return waiting === undefined || waiting === 'ContainerCreating' ? `is bound${on}` : `waits${on}: ${waiting}`;
}

function isReady(status: Pod['status']): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}

async function printChain(running: RunningCluster, fresh: boolean, progress: Progress): Promise<void> {
  const joined = await joinBus(running.home.root);
  const last = running.cluster.runtime === 'hollow' ? 'endpoints' : 'rules';
  try {
    for (const until = Date.now() + CHAIN_MS; ; await pause(250)) {
      const forest = buildForest(await joined.recentSpans(0));
      const root = rootOf(forest, 'Deployment', 'default', 'web');
      const steps =
        root === undefined
          ? []
          : articleChain(forest, root, { namespace: 'default', deployment: 'web', service: 'web' });
      if (steps.at(-1)?.title !== last && fresh && Date.now() < until) continue;
      if (steps.length === 0) {
        progress.say('web was here already and nothing had to happen');
        return;
      }
      console.log(`\nThe chain of events, as the actors recorded it:`);
      const rows = steps.map(({ title, atMs, who, what }) => [`  +${milliseconds(atMs)}`, title, what, who.join(', ')]);
      for (const line of tableLines(rows, 2)) console.log(line);
      console.log('');
      return;
    }
  } finally {
    await joined.bus.close();
  }
}

async function readyPods(session: Session): Promise<string[]> {
  const { items } = await session.client.list<Pod>(RESOURCES.pods, { namespace: 'default', labelSelector: 'app=web' });
  return items
    .filter(({ metadata, status }) => isReady(status) && metadata?.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata!.name!);
}

async function printAnswers(running: RunningCluster, session: Session, progress: Progress): Promise<void> {
  if (running.cluster.runtime === 'hollow') {
    progress.say('hollow nodes run nothing: there is nobody to ask');
    return;
  }
  if (!mayListenBelow1024(running)) return printDirectAnswers(session, progress);
  const service = await session.client.get<Service>(RESOURCES.services, { namespace: 'default', name: 'web' });
  const pods = await readyPods(session);
  const name = `web.default.svc.${running.cluster.facts.domain}`;
  for (const [how, host] of [
    ['cluster IP', service.spec!.clusterIP!],
    ['DNS name', name],
  ] as const) {
    try {
      const answers = await askService(running, host, pods);
      for (const [pod, count] of answers)
        progress.say(
          `http://${host}/ answered by ${pod} (${count} of ${[...answers.values()].reduce((sum, each) => sum + each, 0)} requests)`,
        );
      const silent = pods.filter((pod) => !answers.has(pod));
      if (silent.length > 0) throw new Error(`no answer from ${silent.join(', ')}`);
    } catch (error) {
      throw new Error(`the Service does not answer through its ${how}: ${messageOf(error)}`);
    }
  }
}

/** Pods that are processes need a proxy that listens on the Service's own port, which only root may below 1024. */
function mayListenBelow1024({ cluster }: RunningCluster): boolean {
  if (cluster.runtime !== 'process' || process.getuid?.() === 0) return true;
  return Number(readIfThere('/proc/sys/net/ipv4/ip_unprivileged_port_start') ?? '1024') <= SERVICE_PORT;
}

async function printDirectAnswers(session: Session, progress: Progress): Promise<void> {
  progress.say(
    `without root nobody may listen on port ${SERVICE_PORT} for the Service (sysctl net.ipv4.ip_unprivileged_port_start): asking the pods themselves`,
  );
  const { items } = await session.client.list<Pod>(RESOURCES.pods, { namespace: 'default', labelSelector: 'app=web' });
  for (const { status } of items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined)) {
    const url = `http://${status?.podIP}:8080/`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(3000) });
    progress.say(`${url} answered by ${(await answer.text()).trim()}`);
  }
}

function printNext({ home, cluster }: RunningCluster, pods: readonly string[]): void {
  const own = home.root.endsWith('/.flotilla') ? '' : ` --home ${home.root}`;
  console.log(`\nThe cluster ${cluster.name} goes on running. Try next:`);
  console.log(`  npx flotilla trace deployment/web${own}`);
  console.log(
    `  npx flotilla delete pod ${pods[0] ?? 'web-…'}${own}      # and see it replaced: npx flotilla get pods -w${own}`,
  );
  console.log(`  npx flotilla status${own}`);
}
