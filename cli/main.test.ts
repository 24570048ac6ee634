// The command line as a person meets it, without any cluster.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'flotilla-cli-'));
test.after.always(() => rmSync(home, { recursive: true, force: true }));

function flotilla(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env['PATH'], HOME: home };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env });
  return { code: status, stdout, stderr };
}

test('a mistyped command is refused with a proposal', (t) => {
  const { code, stderr } = flotilla('gte', 'pods');
  t.is(code, 1);
  t.regex(stderr, /Did you mean get\?/);
});

for (const args of [
  ['get', 'pods', '--nope'],
  ['up', '--nodes', '0'],
  ['scale', 'deploy/web'],
  ['up', '--runtime', 'vm'],
  ['rollout', 'jump', 'deploy/web'],
])
  test(`refused in one line, with exit code 1: ${args.join(' ')}`, (t) => {
    const { code, stderr, stdout } = flotilla(...args, '--home', join(home, 'none'));
    t.is(code, 1);
    t.regex(stderr, /^error: /);
    t.is(stdout, '');
  });

test('no cluster: every command says how to start one', (t) => {
  for (const args of [
    ['get', 'pods'],
    ['status'],
    ['kubeconfig'],
    ['trace'],
    ['store', 'status'],
    ['stop', 'scheduler-1'],
  ]) {
    const { code, stderr } = flotilla(...args, '--home', join(home, 'none'));
    t.is(code, 1, args.join(' '));
    t.regex(stderr, /flotilla up/, args.join(' '));
  }
});

test('down without a cluster has nothing to do', (t) => {
  const { code, stdout } = flotilla('down', '--home', join(home, 'none'));
  t.is(code, 0);
  t.regex(stdout, /nothing to do/);
});

test('a server that is not there is told as kubectl tells it', (t) => {
  const config = join(home, 'config');
  writeFileSync(
    config,
    JSON.stringify({
      clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    }),
  );
  const { code, stderr } = flotilla('get', 'pods', '--kubeconfig', config);
  t.is(code, 1);
  t.is(stderr, 'The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n');
});

test('a shell is proposed commands, options and verbs', (t) => {
  const ask = (...words: string[]): string[] =>
    flotilla('--get-yargs-completions', 'flotilla', ...words)
      .stdout.split('\n')
      .filter(Boolean);
  t.deepEqual(ask('st'), ['status', 'stop', 'start', 'store']);
  t.true(ask('get', '--sel').includes('--selector'));
  t.deepEqual(ask('rollout', 'res'), ['restart', 'resume']);
  t.deepEqual(ask('get', 'pods', ''), [], 'no cluster, no names, no failure');
  t.regex(flotilla('completion').stdout, /flotilla/);
});
