// Does: measures the API server on this machine: requests, watches, lists of many, memory, over a store of three members
// with fsync, beside a bare HTTP/2 server and (if they are there) a real kube-apiserver and etcd; prints, and appends one line to history.jsonl. Never
// asserts: figures are for people.
// Run: `npm run bench:api [-- --quick] [-- --only creates,gets,…] [-- --profile] [-- --rounds 3]`;
// `npm run bench:api -- --readme` only writes the latest whole run into services/apiserver/README.md.
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { short } from './figures.ts';
import { lists, memory, requests, stalled, watches, type Plan, type Row } from './api/measurements.ts';
import { builtBenchmark, etcdPuts } from './api/etcd-puts.ts';
import { writeReadme } from './api/readme.ts';

const GROUPS = {
  creates: requests('create'),
  patches: requests('patch'),
  gets: requests('get'),
  pages: requests('list'),
  watches,
  stalled,
  lists,
  memory,
  etcd: etcdPuts,
};
type Group = keyof typeof GROUPS;
const HISTORY = new URL('history.jsonl', import.meta.url);

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(GROUPS).join(',') },
    profile: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    readme: { type: 'boolean', default: false },
  },
});
if (values.readme) {
  writeReadme(readFileSync(HISTORY, 'utf8'));
  process.exit(0);
}
const groups = values.only.split(',').map((name) => {
  if (name in GROUPS) return name as Group;
  console.error(`--only takes names of ${Object.keys(GROUPS).join(', ')}, not ${JSON.stringify(name)}`);
  process.exit(1);
});

// All that this leaves on disk is below one directory, and all that it starts is its child: both go with it, also on Ctrl-C.
const etcdBenchmark = builtBenchmark();
if (etcdBenchmark !== undefined) process.env['ETCD_BENCHMARK'] = etcdBenchmark;
const home = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
process.env['TMPDIR'] = home;
const directory = join(home, 'profiles');
mkdirSync(directory);
process.env['FLOTILLA_BENCH_PROFILES'] = directory;
const imported = ['profiler.ts', 'slices.ts'].map((name) => `--import=${new URL(`api/${name}`, import.meta.url).href}`);
process.env['NODE_OPTIONS'] = imported.join(' ');
process.on('exit', () => {
  for (const pid of childrenOf(process.pid)) kill(pid);
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const plan: Plan = { rounds: Number(values.rounds), quick: values.quick, profile: values.profile, directory };
const loadBefore = loadavg();
const began = performance.now();
const rows: Array<Row & { group: Group }> = [];
for (const group of groups)
  await GROUPS[group](plan, (row) => {
    rows.push({ group, ...row });
    print(row);
  });
const machine = { cpus: cpus().length, model: cpus()[0]!.model, kernel: release() };
const line = {
  at: new Date().toISOString(),
  bench: 'api',
  machine: { ...machine, loadBefore: loadBefore.map(short), loadAfter: loadavg().map(short) },
  quick: values.quick,
  only: groups,
  rounds: plan.rounds,
  seconds: Math.round((performance.now() - began) / 1_000),
  rows,
};
appendFileSync(HISTORY, `${JSON.stringify(line)}\n`);
process.exit(0);

function print({ name, figures, peer, kubernetes, profile }: Row): void {
  const told = (of: Record<string, number>): string =>
    Object.entries(of)
      .map(([figure, value]) => `${figure} ${short(value)}`)
      .join(', ');
  const others = [
    peer === undefined ? '' : ` | bare server: ${told(peer)}`,
    kubernetes === undefined ? '' : ` | kube-apiserver: ${told(kubernetes)}`,
  ];
  console.log(`${name.padEnd(44)} ${told(figures)}${others.join('')}`);
  for (const [process_, entries] of Object.entries(profile ?? {})) {
    console.log(`  where the time of ${process_} goes:`);
    for (const { where, percent } of entries.slice(0, 12)) console.log(`    ${String(percent).padStart(5)} % ${where}`);
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
