// Does: is the process of many watchers of one side: counts events and how long each took from the start of its put, which its
// value tells (monotonic µs). Never writes anything.
import { createHistogram } from 'node:perf_hooks';
import { silentLog } from '../../../lib/base/log.ts';
import type { StoreCommitted } from '../../../lib/bus/messages.ts';
import { connectNats } from '../../../lib/bus/nats.ts';
import { unpackCommitted, type Packed } from '../../../lib/bus/packed.ts';
import { fieldsOf, GrpcClient, message } from './grpc.ts';

const WATCH = '/etcdserverpb.Watch/Watch';
const CONNECTIONS = 8;
const [side, address, count, prefix, subject] = process.argv.slice(2) as [string, string, string, string, string];
let took = createHistogram();
let events = 0;

function seen(value: Uint8Array): void {
  const putAt = Buffer.from(value.buffer, value.byteOffset, value.length).readDoubleLE(0);
  took.record(Math.max(1, Math.round(Number(process.hrtime.bigint() / 1_000n) - putAt)));
  events++;
}

async function watchOurs(): Promise<void> {
  const buses = await Promise.all(
    Array.from({ length: Math.min(CONNECTIONS, Number(count)) }, (_, i) =>
      connectNats(`watcher-${i}`, { servers: [address], seedFile: '' }, silentLog),
    ),
  );
  for (let i = 0; i < Number(count); i++)
    buses[i % buses.length]!.subscribe(subject, ({ data }) => {
      for (const { changes } of unpackCommitted(data as Packed<StoreCommitted>).txns)
        for (const { key, value } of changes) if (key.startsWith(prefix)) seen(value);
    });
  await Promise.all(buses.map((bus) => bus.flush()));
}

async function watchEtcd(): Promise<void> {
  const clients = Array.from({ length: Math.min(CONNECTIONS, Number(count)) }, () => new GrpcClient(address));
  const end = Buffer.from(prefix);
  end[end.length - 1]!++;
  const request = message([1, message([1, prefix], [2, end])]);
  const begun = Array.from({ length: Number(count) }, (_, i) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    clients[i % clients.length]!.stream(WATCH, request, (answer) => {
      resolve();
      fieldsOf(answer, (number, event) => {
        if (number === 11) seen(fieldsOf(fieldsOf(event as Buffer).get(2)!).get(5)!);
      });
    });
    return promise;
  });
  await Promise.all(begun);
}

process.on('message', (wanted: number) => {
  if (events < wanted) return void process.send!({ events });
  process.send!({ events, p50Ms: took.percentile(50) / 1_000, p99Ms: took.percentile(99) / 1_000 });
  took = createHistogram();
  events = 0;
});
process.on('disconnect', () => process.exit(0));
await (side === 'ours' ? watchOurs() : watchEtcd());
process.send!('ready');
