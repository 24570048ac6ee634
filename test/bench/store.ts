// Does: measures our store beside Debian's etcd in one run: three members each, on this machine, with fsync, one load after
// the other in the order A B B A; prints ratios and appends them to history.jsonl. Never asserts: figures are for people.
// Run: `npm run bench:store [-- rounds]` (a round is A B or B A; default 2; medians are told).
//
// Each side is driven by its own best client: etcd by its `benchmark` (Go, one connection for 16 clients), ours by the API
// actor's StoreClient over nats-server, which sends what one turn of its event loop wrote as one batch. A linearizable read of
// ours is what an API actor does: it asks the leader for a revision (questions at the same time share one) and reads its
// cache; `with range` fetches the value from the member, too.
import { appendFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import type { ActorContext } from '../../lib/actor/context.ts';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import type { StoreCommitted } from '../../lib/bus/messages.ts';
import { patternOf } from '../../lib/bus/subjects.ts';
import { StoreClient } from '../../services/apiserver/edge/store-client.ts';
import { StoreProcesses } from '../kit/store-processes.ts';
import { EtcdProcesses, READ_KEY, type Measured } from './etcd-processes.ts';

const ROUNDS = Number(process.argv[2] ?? 2);
const VALUE = Buffer.alloc(1_024, 'v');
const KEYS = 100_000;
const IN_FLIGHT = [1, 16, 64, 256];
const DEADLINE_MS = 30_000;

interface Row {
  name: string;
  etcd: () => Promise<Measured>;
  ours: () => Promise<Measured>;
}

/** As many at once as `inFlight` until `total` are done. */
async function drive(total: number, inFlight: number, one: (i: number) => Promise<unknown>): Promise<Measured> {
  const took: number[] = [];
  let next = 0;
  const began = performance.now();
  const work = async (): Promise<void> => {
    for (let i = next++; i < total; i = next++) {
      const at = performance.now();
      await one(i);
      took.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const seconds = (performance.now() - began) / 1_000;
  return { perSecond: total / seconds, ...percentiles(took) };
}

function percentiles(took: number[]): { p50Ms: number; p99Ms: number } {
  took.sort((a, b) => a - b);
  return { p50Ms: took[Math.floor(took.length / 2)]!, p99Ms: took[Math.floor(took.length * 0.99)]! };
}

const keyOf = (i: number): string => `/bench/${String((i * 7_919) % KEYS).padStart(8, '0')}`;
const totalOf = (inFlight: number): number => Math.min(20_000, 300 + inFlight * 150);

function rowsOf(etcd: EtcdProcesses, client: StoreClient, bus: Bus): Row[] {
  const put = (i: number): Promise<unknown> =>
    client.write(
      {
        compares: [],
        operations: [{ type: 'put', key: keyOf(i), value: VALUE }],
        cause: { span: 'bench', actor: 'bench' },
      },
      systemClock.monotonic() + DEADLINE_MS,
    );
  const range = (i: number): Promise<unknown> =>
    client.query({ query: 'range', prefix: keyOf(i % 1_000), after: '', limit: 1, revision: 0 }, DEADLINE_MS);
  const etcdArgs = (n: number): string => `--clients ${n} --conns ${Math.ceil(n / 16)} --total ${totalOf(n)}`;
  const etcdRange = (n: number, consistency: string): Promise<Measured> =>
    etcd.load(`${etcdArgs(n)} range ${READ_KEY} --consistency ${consistency}`.split(' '));
  return [
    ...IN_FLIGHT.map((n): Row => ({
      name: `puts, ${n} in flight`,
      etcd: () =>
        etcd.load(`${etcdArgs(n)} put --key-size 29 --val-size ${VALUE.length} --key-space-size ${KEYS}`.split(' ')),
      ours: () => drive(totalOf(n), n, put),
    })),
    ...[1, 64, 256].map((n): Row => ({
      name: `linearizable reads, ${n} in flight`,
      etcd: () => etcdRange(n, 'l'),
      ours: () => drive(totalOf(n), n, () => client.readIndex(DEADLINE_MS)),
    })),
    {
      name: 'linearizable reads with range, 64 in flight',
      etcd: () => etcdRange(64, 'l'),
      ours: () =>
        drive(totalOf(64), 64, async (i) => {
          await client.readIndex(DEADLINE_MS);
          await range(i);
        }),
    },
    {
      name: 'serializable reads, 64 in flight',
      etcd: () => etcdRange(64, 's'),
      ours: () => drive(totalOf(64), 64, range),
    },
    {
      name: "watch: event after the put's answer",
      etcd: () => etcdWatch(etcd),
      ours: () => watchLatency(client, bus),
    },
  ];
}

/** `watch-latency` measures from the answer of a put to its event; ours is measured alike. */
async function etcdWatch(etcd: EtcdProcesses): Promise<Measured> {
  return etcd.load(['watch-latency', '--total', '300', '--put-rate', '100', '--val-size', String(VALUE.length)]);
}

async function watchLatency(client: StoreClient, bus: Bus): Promise<Measured> {
  const took: number[] = [];
  let arrived = (_at: number): void => {};
  const subscription = bus.subscribe(patternOf('c1', 'storeCommitted'), (message) => {
    const { txns } = message.data as StoreCommitted;
    if (txns.some(({ changes }) => changes[0]?.key === '/bench/watched')) arrived(performance.now());
  });
  const began = performance.now();
  for (let i = 0; i < 300; i++) {
    const event = new Promise<number>((resolve) => (arrived = resolve));
    const operations = [{ type: 'put' as const, key: '/bench/watched', value: VALUE }];
    const cause = { span: 'bench', actor: 'bench' };
    await client.write({ compares: [], operations, cause }, systemClock.monotonic() + DEADLINE_MS);
    const answeredAt = performance.now();
    took.push(Math.max(0.001, (await event) - answeredAt));
  }
  subscription.unsubscribe();
  return { perSecond: (300 * 1_000) / (performance.now() - began), ...percentiles(took) };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const shorter = (value: number): number => Number(value.toPrecision(3));
const medians = (runs: readonly Measured[]): Measured => ({
  perSecond: shorter(median(runs.map(({ perSecond }) => perSecond))),
  p50Ms: shorter(median(runs.map(({ p50Ms }) => p50Ms))),
  p99Ms: shorter(median(runs.map(({ p99Ms }) => p99Ms))),
});

async function compare(row: Row): Promise<object> {
  const runs: Record<'etcd' | 'ours', Measured[]> = { etcd: [], ours: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const side of round % 2 === 0 ? (['etcd', 'ours'] as const) : (['ours', 'etcd'] as const))
      runs[side].push(await row[side]());
  const [etcd, ours] = [medians(runs.etcd), medians(runs.ours)];
  const ratio = {
    perSecond: shorter(ours.perSecond / etcd.perSecond),
    p50: shorter(ours.p50Ms / etcd.p50Ms),
    p99: shorter(ours.p99Ms / etcd.p99Ms),
  };
  return { name: row.name, etcd, ours, ratio };
}

const store = await StoreProcesses.start();
const etcd = await EtcdProcesses.start().catch(async (error: unknown) => {
  await store.stop();
  throw error;
});
try {
  await store.leader();
  const bus = await store.nats.connect('apiserver-bench');
  const ctx = { bus, cluster: 'c1', instance: 'apiserver-bench', clock: systemClock, chance: systemChance };
  const client = new StoreClient(ctx as unknown as ActorContext, store.names);
  const rows = [];
  for (const row of rowsOf(etcd, client, bus)) {
    const compared = await compare(row);
    rows.push(compared);
    const { name, etcd: theirs, ours, ratio } = compared as { name: string } & Record<string, Record<string, number>>;
    console.log(
      `${name.padEnd(44)} etcd ${theirs!['perSecond']}/s p50 ${theirs!['p50Ms']} p99 ${theirs!['p99Ms']} ms` +
        ` | ours ${ours!['perSecond']}/s p50 ${ours!['p50Ms']} p99 ${ours!['p99Ms']} ms` +
        ` | ratio ${ratio!['perSecond']}× p50 ${ratio!['p50']} p99 ${ratio!['p99']}`,
    );
  }
  const machine = { cpus: cpus().length, model: cpus()[0]!.model, kernel: release(), load: loadavg().map(shorter) };
  const line = {
    at: new Date().toISOString(),
    bench: 'store',
    machine,
    rounds: ROUNDS,
    valueBytes: VALUE.length,
    rows,
  };
  appendFileSync(new URL('history.jsonl', import.meta.url), `${JSON.stringify(line)}\n`);
} finally {
  etcd.stop();
  await store.stop();
}
process.exit(0);
