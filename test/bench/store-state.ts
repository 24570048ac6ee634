// Does: measures what applying writes costs a member, in one process: puts of 256 bytes over 100,000 keys in entries of 128, as
// they lie in the log; time on the processor, garbage, pauses, and what stays in memory. Never asserts: figures are for people.
// Run: `node --expose-gc --max-semi-space-size=4 test/bench/store-state.ts [puts]`; prints one JSON object.
import { packWrite } from '../../lib/bus/packed.ts';
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { encodeWrites } from '../../services/store/core/command.ts';
import { StateMachine } from '../../services/store/core/state-machine.ts';
import { KEYS, keyOf } from './store/side.ts';

const PUTS = Number(process.argv[2] ?? 300_000);
const ENTRY_WRITES = 128;
/** Answers that the client has had: as many are under way. */
const IN_FLIGHT = 256;
const MIB = 1_048_576;

let sequence = 0;

/** An entry as the leader makes one: here a new buffer each time, as it comes from the bus. */
function entryOf(first: number): Uint8Array {
  const txns = Array.from({ length: ENTRY_WRITES }, (_, i) => {
    const value = Buffer.alloc(256, `${first + i} `);
    return {
      sequence: ++sequence,
      compares: [],
      operations: [{ type: 'put' as const, key: keyOf(first + i), value }],
      cause: { span: 'bench', actor: 'bench' },
    };
  });
  return encodeWrites([
    packWrite({ session: 'bench', acknowledged: Math.max(0, sequence - IN_FLIGHT), since: 0, txns }),
  ]);
}

const micros = ({ user, system }: NodeJS.CpuUsage): number => user + system;
const allocatedBytes = (): number =>
  (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
const collectMiB = (): number => {
  for (let i = 0; i < 3; i++) gc!();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return (heapUsed + Math.max(arrayBuffers, external)) / MIB;
};

const pauses = { scavenges: 0, scavengeMs: 0, others: 0, otherMs: 0, longestMs: 0 };
new PerformanceObserver((list) => {
  for (const { duration, detail } of list.getEntries() as unknown as { duration: number; detail: { kind: number } }[]) {
    const isScavenge = detail.kind === 1;
    pauses[isScavenge ? 'scavenges' : 'others']++;
    pauses[isScavenge ? 'scavengeMs' : 'otherMs'] += duration;
    pauses.longestMs = Math.max(pauses.longestMs, duration);
  }
}).observe({ entryTypes: ['gc'] });

/** All entries, one behind the other, before anything is measured. */
function allEntries(puts: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let log = Buffer.alloc(0);
  for (let i = 0; i < puts; i += ENTRY_WRITES) {
    const entry = entryOf(i);
    if (i === 0) log = Buffer.allocUnsafe(Math.ceil(puts / ENTRY_WRITES) * (entry.length + 4_096));
    const offset =
      entries.at(-1) === undefined ? 0 : entries.at(-1)!.byteOffset + entries.at(-1)!.length - log.byteOffset;
    log.set(entry, offset);
    entries.push(log.subarray(offset, offset + entry.length));
  }
  return entries;
}

const entries = allEntries(KEYS + PUTS);
const state = new StateMachine();
const emptyMiB = collectMiB();

/** In turns: as when a member applies what has just come. */
async function apply(first: number, end: number): Promise<{ microsAPut: number; allocatedBytesAPut: number }> {
  const before = process.cpuUsage();
  const allocatedBefore = allocatedBytes();
  for (let i = first; i < end; i++) {
    const { transactions } = state.apply(state.appliedIndex + 1, entries[i]!);
    if (transactions !== ENTRY_WRITES) throw new Error('a write has no result');
    if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const puts = (end - first) * ENTRY_WRITES;
  return {
    microsAPut: micros(process.cpuUsage(before)) / puts,
    allocatedBytesAPut: (allocatedBytes() - allocatedBefore) / puts,
  };
}

const filled = Math.ceil(KEYS / ENTRY_WRITES);
const fill = await apply(0, filled);
const filledMiB = collectMiB();
for (const name of Object.keys(pauses) as (keyof typeof pauses)[]) pauses[name] = 0;
const change = await apply(filled, entries.length);
const figures = {
  fillMicrosAPut: fill.microsAPut,
  ...change,
  ...pauses,
  filledMiB: filledMiB - emptyMiB,
  afterMiB: collectMiB() - emptyMiB,
};
console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)));
if (state.revision === 0) throw new Error('nothing was applied');
