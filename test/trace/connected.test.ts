// Shows that each of 200 applies is one connected tree from the request to its ready pods, though the scheduler and an
// API actor are killed in the middle.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Pod } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import type { Span } from '../../lib/bus/messages.ts';
import { joinBus, type ClusterBus } from '../../cli/edge/cluster-bus.ts';
import { openSession, type Session } from '../../cli/edge/session.ts';
import { buildForest, flatten, rootOf, treeOf, type TraceForest } from '../../cli/core/trace/tree.ts';
import { criticalPath } from '../../cli/core/trace/critical-path.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import { workloads, type Workload } from './workloads.ts';

const APPLIES = 200;
const AT_ONCE = 8;
const cluster = new TestCluster({
  name: 'trc-connected',
  args: ['--runtime', 'hollow', '--apiservers', '2', '--nodes', '4'],
});
tellOnFailure(test, cluster);
const spans = new Map<string, Span>();
let bus: ClusterBus;
let sessions: Session[];

test.before(async () => {
  await cluster.up();
  bus = await joinBus(cluster.home);
  bus.followSpans((span) => void spans.set(span.id, span));
  await bus.bus.flush();
  sessions = sessionsOfAll(cluster.home);
});

test.after.always(async () => {
  for (const session of sessions ?? []) session.close();
  await bus?.bus.close();
  await cluster.down();
});

/** One way to each API actor: a person's client goes to the next when one does not answer. */
function sessionsOfAll(home: string): Session[] {
  const { ports } = JSON.parse(readFileSync(join(home, 'cluster.json'), 'utf8')) as {
    ports: { api: number; furtherApis: number[] };
  };
  const text = readFileSync(join(home, 'kubeconfig'), 'utf8');
  return [ports.api, ...ports.furtherApis].map((port) => {
    const kubeconfig = join(home, `kubeconfig-${port}`);
    writeFileSync(kubeconfig, text.replaceAll(`:${ports.api}`, `:${port}`), { mode: 0o600 });
    return openSession({ home, kubeconfig });
  });
}

async function apply(workload: Workload, name: string): Promise<void> {
  const request = {
    method: 'PATCH' as const,
    path: `${workload.path}/${name}`,
    query: { fieldManager: 'test', force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: workload.manifest(name),
  };
  let last: unknown;
  for (let attempt = 0; attempt < 200; attempt++) {
    const session = sessions[attempt % sessions.length]!;
    try {
      return await session.send(request, { signal: AbortSignal.timeout(30_000) });
    } catch (error) {
      last = error;
      await sleep(100);
    }
  }
  throw last;
}

const nameOf = (workload: Workload, i: number): string => `c${i}-${workload.kind.toLowerCase()}`;

async function readyPods(names: readonly string[]): Promise<Map<string, string[]> | undefined> {
  const { items } = await sessions[1]!.client.list<Pod>(RESOURCES.pods, { namespace: 'default' });
  const pods = new Map<string, string[]>();
  for (const name of names) {
    const own = items.filter((pod) => pod.metadata.name === name || pod.metadata.name.startsWith(`${name}-`));
    if (own.length === 0 || !own.every(isDone)) return undefined;
    pods.set(
      name,
      own.map((pod) => pod.metadata.name),
    );
  }
  return pods;
}

function isDone({ status }: Pod): boolean {
  const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  return isReady || status?.phase === 'Succeeded';
}

/**
 * Who made it died before it told, and who was to hear of it was dead as well (the scheduler, which then found it in a list): that
 * it had been made is told by the client's second try, which found nothing to change. At most those under way can be so.
 */
function isToldBySecondTry(forest: TraceForest, kind: string, name: string): boolean {
  return [...forest.byId.values()].some(
    ({ span }) => span.verb === 'request' && span.outcome === 'unchanged' && span.kind === kind && span.name === name,
  );
}

const UNTOLD = 'no request is its beginning';
/**
 * Who answered may die in the millisecond before it tells: spans are told at most once. Then there is no second try. All that were
 * under way may be of one batch, whose answers go out together.
 */
const DIED_BETWEEN = AT_ONCE;

function areWhole(broken: readonly string[]): boolean {
  return broken.length <= DIED_BETWEEN && broken.every((story) => story.endsWith(UNTOLD));
}

/** undefined: its story is whole. */
function brokenAt(forest: TraceForest, kind: string, name: string, pods: readonly string[]): string | undefined {
  const root = rootOf(forest, kind, 'default', name);
  if (root === undefined) return isToldBySecondTry(forest, kind, name) ? undefined : `${kind} ${name}: ${UNTOLD}`;
  const tree = treeOf(forest, root);
  const ids = new Set(flatten(tree).map(({ span }) => span.id));
  const isOwn = ({ name: other, kind: its }: Span): boolean =>
    its !== 'Event' && (other === name || other.startsWith(`${name}-`));
  const loose = [...forest.byId.values()].find(
    ({ span }) => isOwn(span) && span.outcome === 'changed' && !ids.has(span.id),
  );
  if (loose !== undefined) return `${kind} ${name}: not in its tree: ${JSON.stringify(loose.span)}`;
  const { ready } = criticalPath(tree);
  const missing = pods.filter((pod) => !ready.includes(pod));
  return missing.length === 0 ? undefined : `${kind} ${name}: no step of its tree made ${missing.join()} ready`;
}

test('200 applies of all workload kinds are 200 connected trees, across the death of a scheduler and of an API actor', async (t) => {
  const kinds = workloads();
  const jobs = Array.from({ length: APPLIES }, (_, i) => ({ workload: kinds[i % kinds.length]!, i }));
  const names = jobs.map(({ workload, i }) => nameOf(workload, i));
  const work = jobs.values();
  let done = 0;
  const deaths: Array<Promise<number>> = [];
  const applyAll = async (): Promise<void> => {
    for (const { workload, i } of work) {
      await apply(workload, nameOf(workload, i));
      done++;
      if (done === 60) deaths.push(cluster.kill('scheduler-1'));
      if (done === 120) deaths.push(cluster.kill('apiserver-1'));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, applyAll));
  t.is((await Promise.all(deaths)).length, 2);
  const pods = await eventually('every pod is ready', () => readyPods(names));
  let broken: string[] = [];
  await eventually(
    'every story is whole',
    () => {
      const forest = buildForest([...spans.values()]);
      broken = jobs.flatMap(
        ({ workload }, at) => brokenAt(forest, workload.kind, names[at]!, pods.get(names[at]!)!) ?? [],
      );
      return areWhole(broken);
    },
    60_000,
  ).catch(() => {});
  t.true(areWhole(broken), `${broken.length} of ${APPLIES} stories are broken: ${broken.slice(0, 5).join('; ')}`);
  const forest = buildForest([...spans.values()]);
  const untold = jobs.filter(({ workload }, at) => rootOf(forest, workload.kind, 'default', names[at]!) === undefined);
  t.true(untold.length <= AT_ONCE, `${untold.length} requests were made by nobody`);
  const lost = [...forest.byId.values()].filter(({ isLost }) => isLost).length;
  t.log(
    `${kinds.map(({ kind }) => kind).join(', ')}; ${spans.size} spans, ${lost} steps known only by what they caused`,
  );
});
