import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Exec, ExecResult } from '../../lib/exec/exec.ts';
import { requirementsOf, type Requirement } from '../core/requirements.ts';
import { findMissing, findProgram, install, searchPath } from './install.ts';

const NEEDS: readonly Requirement[] = [
  { program: 'nats-server', package: 'nats-server', purpose: 'the bus' },
  { program: 'containerd', package: 'containerd', purpose: 'the runtime' },
  { program: 'ctr', package: 'containerd', purpose: 'the way to it' },
];

/** A machine with nothing but apt-get, which "installs" by creating the programs of a package. */
function machine(
  t: ExecutionContext,
  options: { apt?: boolean; fails?: (argv: readonly string[]) => string | undefined } = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-install-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const put = (program: string): void => {
    writeFileSync(join(directory, program), '#!/bin/sh\n');
    chmodSync(join(directory, program), 0o755);
  };
  if (options.apt !== false) put('apt-get');
  const ran: string[] = [];
  const said: string[] = [];
  const exec: Exec = {
    run(argv): Promise<ExecResult> {
      // How patient it is with mirrors and locks is no part of what is asked.
      ran.push(
        argv
          .slice(1)
          .join(' ')
          .replaceAll(/ -o \S+/g, ''),
      );
      const failure = options.fails?.(argv);
      if (failure === undefined && argv[1] === 'install')
        for (const need of NEEDS) if (need.package === argv.at(-1)) put(need.program);
      return Promise.resolve({
        argv,
        exitCode: failure === undefined ? 0 : 100,
        signal: null,
        timedOut: false,
        stdout: '',
        stderr: failure ?? '',
      });
    },
    spawn() {
      throw new Error('not used');
    },
  };
  return { exec, ran, said, put, isRoot: true, path: [directory], say: (line: string) => void said.push(line) };
}

test('what is missing is installed package by package, and each step is said', async (t) => {
  const edges = machine(t);
  await install(NEEDS, edges, true);
  t.deepEqual(edges.said, ['installing nats-server (the bus)', 'installing containerd (the runtime)']);
  t.deepEqual(edges.ran, [
    'install -y --no-install-recommends nats-server',
    'install -y --no-install-recommends containerd',
  ]);
});

test('a second run installs nothing and says nothing', async (t) => {
  const edges = machine(t);
  for (const { program } of NEEDS) edges.put(program);
  await install(NEEDS, edges, true);
  t.deepEqual([edges.said, edges.ran], [[], []]);
});

test('package lists are read once, when they turn out to be missing', async (t) => {
  let updated = false;
  const edges = machine(t, {
    fails: (argv) => {
      if (argv[1] === 'update') updated = true;
      return updated ? undefined : 'E: Unable to locate package nats-server';
    },
  });
  await install(NEEDS, edges, true);
  t.is(edges.ran.filter((line) => line === 'update').length, 1);
  t.deepEqual(findMissing(NEEDS, edges.path), []);
});

const ONE_LINE = /^missing: nats-server containerd \(.+\); run `(sudo )?apt-get install -y .*nats-server containerd`$/;

test('--no-install only says what is missing and how to mend it, in one line', async (t) => {
  const edges = machine(t);
  const error = await t.throwsAsync(install(NEEDS, edges, false));
  t.regex(error.message, ONE_LINE);
  t.deepEqual(edges.ran, []);
});

test('without root it says so, with sudo in the command', async (t) => {
  const error = await t.throwsAsync(install(NEEDS, { ...machine(t), isRoot: false }, true));
  t.regex(error.message, ONE_LINE);
  t.regex(error.message, /only root.*sudo/);
});

test('without apt-get it says so', async (t) => {
  const error = await t.throwsAsync(install(NEEDS, machine(t, { apt: false }), true));
  t.regex(error.message, ONE_LINE);
  t.regex(error.message, /no apt-get/);
});

test('without a network the last words of apt-get are in the line', async (t) => {
  const edges = machine(t, {
    fails: () => 'Err:1 http://deb.debian.org\nE: Temporary failure resolving deb.debian.org',
  });
  const error = await t.throwsAsync(install(NEEDS, edges, true));
  t.regex(error.message, ONE_LINE);
  t.regex(error.message, /Temporary failure resolving/);
});

test("npm's own `nft` is never taken for nftables", (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-path-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const bin = join(directory, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'nft-of-npm'), '#!/bin/sh\n', { mode: 0o755 });
  t.is(findProgram('nft-of-npm', searchPath(`${bin}:/usr/bin`)), undefined);
  t.true(searchPath('').includes('/usr/sbin'));
});

test('process and hollow need the bus alone', (t) => {
  for (const runtime of ['process', 'hollow'] as const)
    t.deepEqual(
      requirementsOf(runtime).map(({ program }) => program),
      ['nats-server'],
    );
  t.true(requirementsOf('ctr').length > 5);
});
