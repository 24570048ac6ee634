// Does: runs the tests of the project in their groups: static checks, tests that need no other program, those with the real
// parts, whole clusters that are broken and watched, Docker; and ends with the one line `N passed, N failed`. Never hides a
// run that died: it counts as failed.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface Count {
  passed: number;
  failed: number;
  code: number;
  /** What a reader of the last screen must see: the failed tests, each with ava's report of it. */
  told: string[];
}

/** The failures are told again at the end, where a log that was cut still shows them. */
const TOLD_LINES = 200;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const AVA = fileURLToPath(new URL('cli.js', import.meta.resolve('ava')));

/** Passes ava's output to `say` and counts its lines; --tap cannot be used: it dies with a test file that dies. */
async function ava(args: readonly string[], say: (line: string) => void = console.log): Promise<Count> {
  const child = spawn(process.execPath, [AVA, '--color', ...args], {
    cwd: ROOT,
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  const closed = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  const count: Count = { passed: 0, failed: 0, code: 0, told: [] };
  let reporting = false;
  for await (const line of createInterface({ input: child.stdout })) {
    say(line);
    const text = line.replaceAll(/\u001B\[[\d;]*m/g, '');
    if (/^ {2}✔ /.test(text)) count.passed++;
    else if (/^ {2}✘ \[fail\]/.test(text)) count.failed++;
    const pending = /^ {2}(\d+) tests? remained pending/.exec(text) ?? /^ {2}✘ (\d+) tests? remaining in/.exec(text);
    if (pending !== null) count.failed += Number(pending[1]);
    // The reports of failed tests come after the first rule.
    reporting ||= text === '  ─';
    if (/^ {2}✘/.test(text) || reporting) count.told.push(text);
  }
  count.code = await closed;
  if (count.code !== 0 && count.failed === 0) count.failed = 1;
  if (count.failed === 0) count.told = [];
  return count;
}

/** Two runs of ava that mostly wait, beside each other; what the second says comes after the first, so that both can be read. */
async function beside(first: readonly string[], second: readonly string[]): Promise<Count> {
  const later: string[] = [];
  const running = [ava(first), ava(second, (line) => later.push(line))];
  await running[0];
  const [one, other] = (await Promise.all(running)) as [Count, Count];
  console.log(later.join('\n'));
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    code: one.code || other.code,
    told: [...one.told, ...other.told],
  };
}

async function run(title: string, argv: readonly string[]): Promise<Count> {
  const child = spawn(argv[0]!, argv.slice(1), { cwd: ROOT, stdio: 'inherit' });
  const code = await new Promise<number>((resolve) =>
    child.once('close', (status) => resolve(status ?? 1)).once('error', () => resolve(127)),
  );
  console.log(`  ${code === 0 ? '✔' : '✘ [fail]:'} ${title}`);
  return {
    passed: code === 0 ? 1 : 0,
    failed: code === 0 ? 0 : 1,
    code,
    told: code === 0 ? [] : [`  ✘ [fail]: ${title}`],
  };
}

const bin = (name: string): string => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
const ROOMS = ['lib', 'raft', 'runtime-shims', 'services', 'launcher', 'cli', 'chaos', 'test', 'examples'];

/** A script that ends with a line `N passed, N failed` of its own. */
async function script(file: string): Promise<Count> {
  const child = spawn(process.execPath, [file], { cwd: ROOT, stdio: ['inherit', 'pipe', 'inherit'] });
  const closed = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  const count: Count = { passed: 0, failed: 0, code: 0, told: [] };
  for await (const line of createInterface({ input: child.stdout })) {
    const sum = /^(\d+) passed, (\d+) failed$/.exec(line);
    if (sum === null) console.log(line);
    else [count.passed, count.failed] = [Number(sum[1]), Number(sum[2])];
    if (line.includes('✘')) count.told.push(line);
  }
  count.code = await closed;
  if (count.code !== 0 && count.failed === 0) count.failed = 1;
  return count;
}

const install = (): Promise<Count> => run('system packages', [process.execPath, 'cli/main.ts', 'install']);

const GROUPS: Record<string, ReadonlyArray<() => Promise<Count>>> = {
  static: [
    () => run('types (tsc)', [bin('tsc')]),
    () => run('lint (oxlint)', [bin('oxlint'), '--type-aware', '--deny-warnings', ...ROOMS]),
    () => run('format (oxfmt)', [bin('oxfmt'), '--check', ...ROOMS]),
  ],
  /** Needs no other program: a machine on which nothing is installed yet runs these first. */
  unit: [() => ava([])],
  real: [install, () => beside(['--config', 'ava.real.config.js'], ['--config', 'ava.e2e.config.js'])],
  cluster: [install, () => ava(['--config', 'ava.cluster.config.js'])],
  compose: [() => script('test/compose/run.ts')],
};
/** What `npm test` runs; `all` adds the rest. */
const USUAL = ['static', 'unit', 'real'];

/** Arguments: names of groups, `all`, or what ava is to be given; none: the usual. */
async function main(): Promise<number> {
  const asked = process.argv.slice(2);
  const groups = asked.length === 0 ? USUAL : asked[0] === 'all' ? Object.keys(GROUPS) : asked;
  if (groups.some((name) => GROUPS[name] === undefined)) return summary([await ava(asked)]);
  const counts: Count[] = [];
  const steps = new Set(groups.flatMap((name) => GROUPS[name]!));
  for (const step of steps) counts.push(await step());
  return summary(counts);
}

function summary(counts: readonly Count[]): number {
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  const told = counts.flatMap((count) => count.told);
  if (told.length > 0) console.log(`\nWhat failed:\n${told.slice(0, TOLD_LINES).join('\n')}\n`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));
process.exitCode = await main();
