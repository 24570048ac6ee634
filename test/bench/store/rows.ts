// Decides which loads are compared, and which ratio must be reached: the table of targets. Never measures anything.
import {
  linearizableReads,
  linearizableReadsFromMember,
  puts,
  readsFromMember,
  swaps,
  watches,
  type Figures,
} from './load.ts';
import type { Side } from './side.ts';

/** One load that is put on both sides in turn. */
export interface Row {
  id: string;
  name: string;
  measure(side: Side, seconds: number): Promise<Figures>;
}

export const ROWS: readonly Row[] = [
  ...[1, 16, 64, 256, 1_000].map((n): Row => ({
    id: `puts-${n}`,
    name: `puts of 256 bytes, ${n} in flight`,
    measure: (side, seconds) => puts(side, n, seconds),
  })),
  {
    id: 'swaps-64',
    name: 'compare-and-swap of 3 KiB, 64 in flight',
    measure: (side, seconds) => swaps(side, 64, seconds),
  },
  ...[1, 64, 256].map((n): Row => ({
    id: `reads-${n}`,
    name: `linearizable reads, ${n} in flight`,
    measure: (side, seconds) => linearizableReads(side, n, seconds),
  })),
  {
    id: 'reads-member-64',
    name: 'linearizable reads, value from a member, 64 in flight',
    measure: (side, seconds) => linearizableReadsFromMember(side, 64, seconds),
  },
  {
    id: 'cached-64',
    name: "reads of a member's own state, 64 in flight",
    measure: (side, seconds) => readsFromMember(side, 64, seconds),
  },
  ...[1, 100, 1_000].map((n): Row => ({
    id: `watch-${n}`,
    name: `events to ${n} ${n === 1 ? 'watcher' : 'watchers'}, 16 writers`,
    measure: (side, seconds) => watches(side, n, seconds),
  })),
];

/** Loads that are measured once, by other means: see store.ts. */
export const OTHER_ROWS = ['gap', 'pause', 'transfer', 'stall', 'memory', 'restart'] as const;

export interface Compared {
  id: string;
  name: string;
  etcd: Figures | undefined;
  ours: Figures;
}

export interface Target {
  what: string;
  /** undefined: the row was not measured. */
  value(rows: ReadonlyMap<string, Compared>): number | undefined;
  better: 'more' | 'less';
  must: number;
  goal: number;
  unit: '×' | '%' | 'ms';
}

const ratio =
  (id: string, figure: string) =>
  (rows: ReadonlyMap<string, Compared>): number | undefined => {
    const row = rows.get(id);
    return row?.etcd === undefined ? undefined : row.ours[figure]! / row.etcd[figure]!;
  };
const own =
  (id: string, figure: string) =>
  (rows: ReadonlyMap<string, Compared>): number | undefined =>
    rows.get(id)?.ours[figure];

function writesKept(rows: ReadonlyMap<string, Compared>): number | undefined {
  const [one, many] = [rows.get('watch-1'), rows.get('watch-1000')];
  if (one === undefined || many === undefined) return undefined;
  return (100 * many.ours['writesPerSecond']!) / one.ours['writesPerSecond']!;
}

export const TARGETS: readonly Target[] = [
  { what: 'puts/s, 256 in flight', value: ratio('puts-256', 'perSecond'), better: 'more', must: 4, goal: 6, unit: '×' },
  { what: 'put p50, 1 in flight', value: ratio('puts-1', 'p50Ms'), better: 'less', must: 1.1, goal: 0.9, unit: '×' },
  { what: 'put p50, 64 in flight', value: ratio('puts-64', 'p50Ms'), better: 'less', must: 0.4, goal: 0.25, unit: '×' },
  { what: 'put p99, 64 in flight', value: ratio('puts-64', 'p99Ms'), better: 'less', must: 0.6, goal: 0.4, unit: '×' },
  {
    what: "servers' processor time a put, 256 in flight",
    value: ratio('puts-256', 'serverCpuUs'),
    better: 'less',
    must: 0.45,
    goal: 0.25,
    unit: '×',
  },
  {
    what: 'linearizable reads/s, 256 in flight',
    value: ratio('reads-256', 'perSecond'),
    better: 'more',
    must: 5,
    goal: 10,
    unit: '×',
  },
  {
    what: 'linearizable read p99, 64 in flight',
    value: ratio('reads-64', 'p99Ms'),
    better: 'less',
    must: 0.5,
    goal: 0.25,
    unit: '×',
  },
  {
    what: 'events/s, 1,000 watchers',
    value: ratio('watch-1000', 'perSecond'),
    better: 'more',
    must: 1.5,
    goal: 2.5,
    unit: '×',
  },
  {
    what: 'event p99 at 20 writes/s, 1,000 watchers',
    value: ratio('watch-1000', 'pacedP99Ms'),
    better: 'less',
    must: 0.6,
    goal: 0.35,
    unit: '×',
  },
  { what: 'writes kept with 1,000 watchers', value: writesKept, better: 'more', must: 30, goal: 60, unit: '%' },
  {
    what: 'write gap after SIGKILL of the leader, p50',
    value: ratio('gap', 'p50Ms'),
    better: 'less',
    must: 0.4,
    goal: 0.15,
    unit: '×',
  },
  { what: '… the worst', value: own('gap', 'worstMs'), better: 'less', must: 2_000, goal: 1_000, unit: 'ms' },
  {
    what: 'write gap after SIGSTOP of the leader, p50',
    value: ratio('pause', 'p50Ms'),
    better: 'less',
    must: 0.7,
    goal: 0.5,
    unit: '×',
  },
  {
    what: 'write gap of a planned handover, p50',
    value: own('transfer', 'p50Ms'),
    better: 'less',
    must: 100,
    goal: 30,
    unit: 'ms',
  },
  {
    what: 'writes on another leader after a stalled fsync, worst',
    value: own('stall', 'worstMs'),
    better: 'less',
    must: 5_000,
    goal: 2_000,
    unit: 'ms',
  },
  {
    what: 'resident memory of a member, 100,000 keys',
    value: ratio('memory', 'residentMiB'),
    better: 'less',
    must: 1,
    goal: 0.8,
    unit: '×',
  },
];

export interface Judged {
  what: string;
  measured: number | undefined;
  must: number;
  goal: number;
  better: 'more' | 'less';
  unit: string;
  verdict: 'goal' | 'must' | 'missed' | 'not measured';
}

export function judge(rows: readonly Compared[]): Judged[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return TARGETS.map(({ what, value, better, must, goal, unit }) => {
    const measured = value(byId);
    const reaches = (bound: number): boolean => (better === 'more' ? measured! >= bound : measured! <= bound);
    const verdict =
      measured === undefined ? 'not measured' : reaches(goal) ? 'goal' : reaches(must) ? 'must' : 'missed';
    return { what, measured, must, goal, better, unit, verdict };
  });
}
