// Does: measures what tracing costs on the way from create to ready: two hollow clusters on this machine, one that
// traces and one started with --no-trace, asked in turn to make the same Deployments of many pods, in pairs whose order
// changes. Prints the medians and the ratio with its spread, and appends them to history.jsonl. Never asserts.
// Run: `npm run bench:trace [-- pairs [pods]]`.
import { appendFileSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import type { Pod } from '../../lib/api/generated/types.ts';
import { resourcePath, RESOURCES } from '../../lib/api/resource.ts';
import { openSession, type Session } from '../../cli/edge/session.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { IMAGE, isReady } from '../kit/manifests.ts';
import { median, quantile } from './figures.ts';

const pairs = Number(process.argv[2] ?? 15);
const pods = Number(process.argv[3] ?? 150);
const args = ['--runtime', 'hollow', '--stores', '1', '--nodes', '2'];
const sides = {
  on: new TestCluster({ name: 'trc-bench-on', args }),
  off: new TestCluster({ name: 'trc-bench-off', args: [...args, '--no-trace'] }),
};
type Side = keyof typeof sides;
const sessions = new Map<Side, Session>();

interface Sample {
  wallMs: number;
  /** Of all processes of the cluster, in processor time: what others on this machine do does not count. */
  cpuMs: number;
}

/** Of every actor, user and system, in ms. */
async function cpuOf(cluster: TestCluster): Promise<number> {
  const pids = (await cluster.units()).flatMap(({ pid }) => pid ?? []);
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

async function makeAndDelete(side: Side, round: number): Promise<Sample> {
  const session = sessions.get(side)!;
  const name = `load-${round}`;
  const labels = { app: name };
  const container = { name: 'web', image: IMAGE, resources: { requests: { cpu: '1m', memory: '1Mi' } } };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } };
  const path = resourcePath(RESOURCES.deployments, { namespace: 'default' });
  const own = (): Promise<Pod[]> =>
    session.client
      .list<Pod>(RESOURCES.pods, { namespace: 'default', labelSelector: `app=${name}` })
      .then(({ items }) => items);
  const status = (): Promise<{ status?: { readyReplicas?: number } }> =>
    session.client.get(RESOURCES.deployments, { namespace: 'default', name });
  const [cpuBefore, began] = [await cpuOf(sides[side]), performance.now()];
  const spec = { replicas: pods, selector: { matchLabels: labels }, template };
  await session.send({
    method: 'POST',
    path,
    body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec },
  });
  await eventually(`${pods} pods are ready`, async () => (await status()).status?.readyReplicas === pods, 300_000);
  const wallMs = performance.now() - began;
  const cpuMs = (await cpuOf(sides[side])) - cpuBefore;
  if (!(await own()).every(isReady)) throw new Error('a pod that was ready is not');
  await session.client.delete(RESOURCES.deployments, { namespace: 'default', name });
  await eventually('the pods are gone', async () => (await own()).length === 0, 300_000);
  return { wallMs, cpuMs };
}

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

function summary(samples: Record<Side, Sample[]>, of: keyof Sample): object {
  const ratios = samples.on.map((on, i) => on[of] / samples.off[i]![of]).toSorted((a, b) => a - b);
  const middle = (side: Side): number => Math.round(median(samples[side].map((one) => one[of])));
  return {
    onMs: middle('on'),
    offMs: middle('off'),
    ratio: rounded(quantile(ratios, 0.5), 3),
    ratioQuartiles: [rounded(quantile(ratios, 0.25), 3), rounded(quantile(ratios, 0.75), 3)],
  };
}

try {
  for (const side of ['on', 'off'] as const) {
    await sides[side].up();
    sessions.set(side, openSession({ home: sides[side].home }));
    // Once without being measured: everything is compiled then.
    await makeAndDelete(side, 0);
  }
  const samples: Record<Side, Sample[]> = { on: [], off: [] };
  for (let round = 1; round <= pairs; round++)
    for (const side of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const))
      samples[side].push(await makeAndDelete(side, round));
  const result = {
    at: new Date().toISOString(),
    bench: 'trace',
    machine: { cpus: cpus().length, model: cpus()[0]?.model, kernel: release() },
    pairs,
    pods,
    createToReady: summary(samples, 'wallMs'),
    processorTime: summary(samples, 'cpuMs'),
  };
  console.log(JSON.stringify(result, undefined, 2));
  appendFileSync(new URL('history.jsonl', import.meta.url), `${JSON.stringify(result)}\n`);
} finally {
  for (const session of sessions.values()) session.close();
  await Promise.all(Object.values(sides).map((cluster) => cluster.down()));
}
