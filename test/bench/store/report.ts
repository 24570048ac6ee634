// Does: shows one run of the store's bench as text, and puts the latest of the history into raft/README.md between its two marks.
// Never measures, and never changes anything else there.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Figures } from './load.ts';
import type { ProfileRun } from './profile.ts';
import type { Compared, Judged } from './rows.ts';

const HISTORY = new URL('../history.jsonl', import.meta.url);
const README = new URL('../../../raft/README.md', import.meta.url);
const BEGIN = '<!-- bench:store begin -->';
const END = '<!-- bench:store end -->';

export interface Run {
  at: string;
  bench: 'store';
  commit: string;
  machine: { cpus: number; model: string; kernel: string };
  /** 1, 5 and 15 minutes, before and after the run: of a machine of its own, the second is the bench itself. */
  loadBefore: number[];
  loadAfter: number[];
  etcd: string;
  rounds: number;
  secondsEach: number;
  rows: Compared[];
  perBatch: Record<string, Figures>;
  targets: Judged[];
}

export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

const COLUMNS = ['perSecond', 'p50Ms', 'p99Ms', 'allCpuUs'] as const;

export function lineOf(row: Compared): string {
  const figures = (side: Figures): string =>
    Object.entries(side)
      .map(([name, value]) => `${name} ${short(value)}`)
      .join(' ');
  return `${row.id.padEnd(16)} etcd: ${row.etcd === undefined ? '–' : figures(row.etcd)}\n${' '.repeat(17)}ours: ${figures(row.ours)}`;
}

export function targetLine({ what, measured, must, goal, better, unit, verdict }: Judged): string {
  const sign = better === 'more' ? '≥' : '≤';
  const value = measured === undefined ? '–' : `${short(measured)} ${unit}`;
  return `${verdict.padEnd(12)} ${what}: ${value} (must ${sign} ${must}, goal ${sign} ${goal})`;
}

function latest<T extends { bench: string }>(bench: string, isWanted: (run: T) => boolean = () => true): T | undefined {
  return readFileSync(HISTORY, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${bench}"`))
    .map((line) => JSON.parse(line) as T)
    .findLast((run) => run.bench === bench && isWanted(run));
}

/** The latest run that measured every target. */
export function renderReadme(): void {
  const run = latest<Run>('store', ({ targets }) => targets?.every(({ verdict }) => verdict !== 'not measured'));
  if (run === undefined)
    throw new Error('no whole run is in test/bench/history.jsonl: run `npm run bench:store` first');
  const text = readFileSync(README, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`raft/README.md lacks the marks ${BEGIN} and ${END}`);
  const profile = latest<ProfileRun>('store-profile');
  const body = [...tables(run), ...(profile === undefined ? [] : profileTables(profile))].join('\n');
  writeFileSync(README, `${before}${BEGIN}\n\n${body}\n\n${END}${after}`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function tables(run: Run): string[] {
  const { machine } = run;
  const load = (values: readonly number[]): string => short(values[0]!);
  return [
    `Run of ${run.at.slice(0, 16).replace('T', ' ')} UTC at ${run.commit}: ${machine.cpus} × ${machine.model}, ${machine.kernel}, ${run.etcd}, ` +
      `medians of ${run.rounds} rounds of ${run.secondsEach} s, in turn. Load average of the machine before ${load(run.loadBefore)}, after ${load(run.loadAfter)}: ` +
      'only ratios are worth reading, and the less the more others have used the processors.',
    '',
    table(
      ['target', 'must', 'goal', 'measured', 'verdict'],
      run.targets.map(({ what, must, goal, measured, better, unit, verdict }) => {
        const sign = better === 'more' ? '≥' : '≤';
        return [what, `${sign} ${must}`, `${sign} ${goal}`, `${short(measured ?? Number.NaN)} ${unit}`, verdict];
      }),
    ),
    '',
    'etcd / ours; µs: processor time of all processes, the client too, for each operation.',
    '',
    table(
      ['load', 'per second', 'p50 ms', 'p99 ms', 'µs'],
      run.rows.filter(({ ours }) => 'perSecond' in ours).map(rowOf),
    ),
    '',
    'Ours, for each batch (a committed log entry): all members together; these do not drift with the machine.',
    '',
    batchTable(run.perBatch),
    '',
    ...run.rows.filter(({ ours }) => !('perSecond' in ours)).map((row) => `- ${otherOf(row)}`),
  ];
}

function rowOf({ name, etcd, ours }: Compared): string[] {
  return [
    name,
    ...COLUMNS.map((column) => `${short(etcd?.[column] ?? Number.NaN)} / ${short(ours[column] ?? Number.NaN)}`),
  ];
}

function otherOf({ name, etcd, ours }: Compared): string {
  const each = Object.keys(ours).map((key) => `${key} ${short(etcd?.[key] ?? Number.NaN)} / ${short(ours[key]!)}`);
  return `${name}: ${each.join(', ')}`;
}

function batchTable(perBatch: Record<string, Figures>): string {
  const names = Object.keys(Object.values(perBatch)[0] ?? {});
  return table(
    ['puts in flight', ...names],
    Object.entries(perBatch).map(([row, figures]) => [
      row.replace('puts-', ''),
      ...names.map((name) => short(figures[name]!)),
    ]),
  );
}

function profileTables({ at, commit, inFlight, processes }: ProfileRun): string[] {
  return [
    '',
    `Where the time goes: puts with ${inFlight} in flight (${at.slice(0, 10)}, ${commit}), samples of each process' main thread that was not idle. ` +
      'A write to a socket is the kernel carrying it to the other process, and giving that the processor.',
    '',
    table(
      ['process', 'by room', 'top functions'],
      processes.map(({ name, rooms, functions }) => [
        name,
        rooms.map(([room, share]) => `${room} ${share} %`).join(', '),
        functions.map(([what, share]) => `${what} ${share} %`).join(', '),
      ]),
    ),
  ];
}
