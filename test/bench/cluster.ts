// Does: measures a whole real cluster on this machine: time of `up`, first and second, apply to three ready pods, memory
// (PSS) of every process, the gap in acknowledged writes when the leader is killed. Prints one JSON object and appends it
// to history.jsonl. Never asserts: figures are for people. Run: `node test/bench/cluster.ts [trials]`.
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../lib/api/generated/types.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { isReady, web, type List } from '../kit/manifests.ts';
import { writeLoad } from '../kit/write-load.ts';

const trials = Number(process.argv[2] ?? 5);
const cluster = new TestCluster({ name: 'bench' });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}

async function ready(name: string, count: number): Promise<void> {
  await eventually(
    `${count} ready pods`,
    async () => (await cluster.get<List<Pod>>('pods', '-l', `app=${name}`)).items.filter(isReady).length === count,
    60_000,
  );
}

/** Proportional set size in KiB of every process that names the cluster's home or is a child of one that does. */
function pssByUnit(): Record<string, number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const sizes: Record<string, number> = {};
  for (const pid of pids) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (!line.includes(cluster.home) && !line.includes(`${cluster.name}-node-`)) continue;
      const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
      const name = unitOf(line);
      sizes[name] = (sizes[name] ?? 0) + Number(pss ?? 0);
    } catch {
      // it ended while we looked
    }
  }
  return sizes;
}

function unitOf(line: string): string {
  const instance = /(store|apiserver|scheduler|controller-manager|dns|kubelet|kube-proxy)-[\w-]+/.exec(line)?.[0];
  if (line.includes('containerd-shim')) return 'shims';
  if (line.includes('supervise')) return 'supervisor';
  if (line.includes('nats-server')) return 'nats';
  if (line.includes('ctr ')) return 'ctr events';
  if (line.includes('containerd')) return 'containerd';
  return instance ?? 'other';
}

async function leader(): Promise<string> {
  const text = await cluster.must('store', 'status');
  return text
    .split('\n')
    .find((line) => /\bleader\b/i.test(line) && line.startsWith('store-'))!
    .split(/\s+/)[0]!;
}

async function writeGaps(): Promise<number[]> {
  const gaps: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const load = await writeLoad(cluster, `gap-${trial}`);
    await sleep(1000);
    await cluster.kill(await leader());
    await sleep(4000);
    gaps.push((await load.stop()).longestGapMs);
    await sleep(2000);
  }
  return gaps.toSorted((a, b) => a - b);
}

try {
  const firstUpMs = await timed(() => cluster.up());
  const secondUpMs = await timed(() => cluster.up());
  const applyToReadyMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const name = `web-${trial}`;
    applyToReadyMs.push(
      await timed(async () => {
        await cluster.apply(web({ name, replicas: 3 }));
        await ready(name, 3);
      }),
    );
    if (trial < trials - 1) await cluster.must('delete', 'deployment,service', name);
  }
  const pssKiB = pssByUnit();
  const result = {
    at: new Date().toISOString(),
    bench: 'cluster',
    machine: { cpus: cpus().length, model: cpus()[0]?.model, kernel: release() },
    firstUpMs,
    secondUpMs,
    applyToReadyMs: applyToReadyMs.toSorted((a, b) => a - b),
    writeGapMs: await writeGaps(),
    pssMiB: {
      total: Math.round(Object.values(pssKiB).reduce((a, b) => a + b, 0) / 1024),
      ...Object.fromEntries(Object.entries(pssKiB).map(([name, size]) => [name, Math.round(size / 102.4) / 10])),
    },
  };
  console.log(JSON.stringify(result, undefined, 2));
  appendFileSync(new URL('history.jsonl', import.meta.url), `${JSON.stringify(result)}\n`);
} finally {
  await cluster.down();
}
