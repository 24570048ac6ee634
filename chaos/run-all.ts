// Does: makes a fresh cluster, plays every scenario on it, or those that are named, and writes what came out to
// chaos/results.jsonl; takes the cluster away again. Never goes on with a cluster that a scenario has left broken.
// Run: `npm run chaos`, `npm run chaos -- leader-killed nats-lost`, `npm run chaos -- --runtime hollow --seed 7`.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SCENARIOS = join(ROOT, 'chaos/scenarios');
const RESULTS = join(ROOT, 'chaos/results.jsonl');

interface Result {
  scenario: string;
  held: boolean;
  [more: string]: unknown;
}

function option(argv: string[], name: string, otherwise: string): string {
  const at = argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (argv.splice(at, 2)[1] ?? otherwise);
}

function flotilla(home: string, args: readonly string[], isQuiet = false): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['cli/main.ts', '--home', home, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', isQuiet ? 'ignore' : 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
    child.on('close', (code) => resolve({ code: code ?? 128, stdout }));
  });
}

async function must(home: string, ...args: string[]): Promise<void> {
  const { code, stdout } = await flotilla(home, args);
  if (code !== 0) throw new Error(`flotilla ${args.join(' ')} exited ${code}\n${stdout}`);
}

async function one(home: string, name: string, seed: string): Promise<Result> {
  console.log(`\n${name}`);
  const ran = await flotilla(home, ['chaos', 'run', join(SCENARIOS, `${name}.yaml`), '--json', '--seed', seed]);
  try {
    return JSON.parse(ran.stdout) as Result;
  } catch {
    return { scenario: name, held: false, troubles: [`chaos run exited ${ran.code} and said no verdict`] };
  }
}

/** The latest result of each scenario stays; those that were not played keep theirs. */
function keep(results: readonly Result[]): void {
  const known = new Map<string, string>();
  if (existsSync(RESULTS))
    for (const line of readFileSync(RESULTS, 'utf8').split('\n').filter(Boolean))
      known.set((JSON.parse(line) as Result).scenario, line);
  for (const result of results) known.set(result.scenario, JSON.stringify(result));
  const sorted = [...known].toSorted(([a], [b]) => a.localeCompare(b)).map(([, line]) => line);
  writeFileSync(RESULTS, `${sorted.join('\n')}\n`);
}

async function main(): Promise<void> {
  const argv = process.argv.slice(2).filter((word) => word !== '--');
  const runtime = option(argv, 'runtime', 'ctr');
  const seed = option(argv, 'seed', '1');
  const all = readdirSync(SCENARIOS).map((file) => file.replace('.yaml', ''));
  const unknown = argv.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(', ')}; there are ${all.join(', ')}`);
  const home = mkdtempSync(join(tmpdir(), 'flotilla-chaos-'));
  const about = {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim(),
    cluster: `3 stores, 2 API actors, 3 nodes, ${runtime}`,
    cores: availableParallelism(),
  };
  const results: Result[] = [];
  process.once('SIGINT', () => void takeAway(home).then(() => process.exit(130)));
  try {
    await must(home, 'up', '--name', `chaos-${process.pid.toString(36)}`, '--runtime', runtime, '--apiservers', '2');
    for (const name of argv.length > 0 ? argv : all) {
      const result = { ...(await one(home, name, seed)), ...about };
      console.log(`${result.held ? 'held' : 'DID NOT HOLD'}: ${JSON.stringify(result)}`);
      results.push(result);
    }
  } finally {
    keep(results);
    await takeAway(home);
  }
  const failed = results.filter(({ held }) => !held);
  console.log(`\n${results.length - failed.length} of ${results.length} hypotheses held`);
  for (const { scenario } of failed) console.log(`  did not hold: ${scenario}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

async function takeAway(home: string): Promise<void> {
  await flotilla(home, ['down', '--purge'], true);
  rmSync(home, { recursive: true, force: true });
}

await main();
