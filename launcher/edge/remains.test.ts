import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { removeTree } from './files.ts';
import { takeLock } from './lock.ts';
import { markedProcesses } from './processes.ts';
import { killMarked, mountsBelow } from './remains.ts';

test('mounts below a home are found, its neighbours are not', (t) => {
  const line = (point: string): string => `36 35 98:0 / ${point} rw,noatime - ext3 /dev/root rw`;
  const info = ['/', '/h', '/h/a', '/h/a/b', '/home', String.raw`/h/with\040space`].map(line).join('\n');
  t.deepEqual(mountsBelow('/h', info), ['/h', '/h/a', '/h/a/b', '/h/with space']);
});

test('processes of a cluster are found by their mark, also those that lost their parent', async (t) => {
  const mark = `flotilla-test-${process.pid}`;
  const child = spawn('/bin/sh', ['-c', 'sleep 1000 & sleep 1000'], {
    env: { FLOTILLA_UNIT: `${mark}/a` },
    stdio: 'ignore',
    detached: true,
  });
  child.unref();
  for (const until = Date.now() + 120_000; Date.now() < until && markedProcesses('FLOTILLA_UNIT', mark).length < 3;)
    await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill(child.pid!, 'SIGKILL');
  t.true((await killMarked('FLOTILLA_UNIT', `${mark}/`)) >= 2);
  t.deepEqual(markedProcesses('FLOTILLA_UNIT', mark), []);
});

test('one living process holds a lock; the remains of a dead one are taken over', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-lock-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'lock');
  const first = takeLock(path);
  t.truthy(first);
  t.is(takeLock(path), undefined);
  first!.release();
  const dead = spawn('/bin/true');
  await new Promise((resolve) => dead.once('exit', resolve));
  writeFileSync(path, JSON.stringify({ pid: dead.pid, startTime: '12', startedAt: 0 }));
  t.truthy(takeLock(path));
});

test('a tree goes also where its directories may not be written', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-tree-'));
  mkdirSync(join(directory, 'a/b'), { recursive: true });
  writeFileSync(join(directory, 'a/b/c'), '');
  chmodSync(join(directory, 'a/b'), 0o500);
  removeTree(directory);
  t.false(existsSync(directory));
});
