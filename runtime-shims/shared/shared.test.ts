// Asks the parts that several shims share, and the ctr shim's pure parts.
import { once } from 'node:events';
import fc from '../../test/kit/fast-check.ts';
import test from 'ava';
import { capabilitiesOf } from '../ctr/privileges.ts';
import { parseEvent, parseImages, parseRemovedExitCode, parseTasks } from '../ctr/tables.ts';
import { needsAccounts, resolveUser } from '../ctr/users.ts';
import { freeAddress } from './addresses.ts';
import { HeldLine } from './held-line.ts';
import { containerIdOf } from './identity.ts';
import { KeyedQueue } from './queue.ts';
import { normalizeReference } from './references.ts';

test('short names are completed as Docker completes them', (t) => {
  const cases: Record<string, string> = {
    busybox: 'docker.io/library/busybox:latest',
    'busybox:1.35': 'docker.io/library/busybox:1.35',
    'acme/web': 'docker.io/acme/web:latest',
    'ghcr.io/acme/web:1a2b3c4': 'ghcr.io/acme/web:1a2b3c4',
    'localhost/a': 'localhost/a:latest',
    'host:5000/a/b:x': 'host:5000/a/b:x',
    [`a@sha256:${'0'.repeat(64)}`]: `docker.io/library/a@sha256:${'0'.repeat(64)}`,
  };
  for (const [short, full] of Object.entries(cases)) t.is(normalizeReference(short), full);
});

test('a normalised name is its own normal form', (t) => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), fc.option(part), (path, tag) => {
      const name = normalizeReference(path.join('/') + (tag === null ? '' : `:${tag}`));
      return normalizeReference(name) === name;
    }),
  );
  t.pass();
});

test('what is no image name is refused', (t) => {
  for (const name of [
    '',
    'UPPER',
    'a b',
    'a:',
    ':x',
    '/a',
    'a//b',
    'a@sha256:xyz',
    'http://a/b',
    'a:b:c',
    '../a',
    '-a',
  ])
    t.throws(() => normalizeReference(name), { message: /couldn't parse image name/ }, name);
});

test('ids fit containerd and differ with every part', (t) => {
  const ids = new Set([
    containerIdOf('u', 'c', 0),
    containerIdOf('u', 'c', 1),
    containerIdOf('u', 'd', 0),
    containerIdOf('v', 'c', 0),
  ]);
  t.is(ids.size, 4);
  for (const id of ids) t.regex(id, /^[a-z0-9]{1,76}$/);
  t.is(containerIdOf('u', 'c', 0), containerIdOf('u', 'c', 0));
});

test('the first free address, never network, gateway or broadcast', (t) => {
  t.is(freeAddress('10.244.1.0/24', new Set()), '10.244.1.2');
  t.is(freeAddress('10.244.1.128/30', new Set()), '10.244.1.130');
  t.is(freeAddress('10.244.1.128/30', new Set(['10.244.1.130'])), undefined);
});

test('work on one key is in order, on two keys at once', async (t) => {
  const queue = new KeyedQueue();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run('a', async () => (await gate.promise, seen.push('a1')));
  const second = queue.run('a', async () => seen.push('a2'));
  await queue.run('b', async () => seen.push('b'));
  t.true(queue.isBusy('a'));
  gate.resolve();
  await Promise.all([first, second]);
  t.deepEqual(seen, ['b', 'a1', 'a2']);
  await t.throwsAsync(queue.run('a', async () => Promise.reject(new Error('no'))));
  t.is(await queue.run('a', async () => 1), 1);
});

test('event lines', (t) => {
  const at = '2026-11-22 05:28:38.752 +0000 UTC ns';
  t.deepEqual(
    parseEvent(
      `${at} /tasks/exit {"container_id":"x","id":"x","pid":1,"exit_status":5,"exited_at":"2026-11-22T05:28:38Z"}`,
    ),
    {
      topic: 'exit',
      containerId: 'x',
      processId: 'x',
      exitCode: 5,
      exitedAtMs: Date.parse('2026-11-22T05:28:38Z'),
    },
  );
  t.like(parseEvent(`${at} /tasks/exit {"container_id":"x","id":"exec-1"}`), { processId: 'exec-1', exitCode: 0 });
  t.like(parseEvent(`${at} /tasks/oom {"container_id":"x"}`), { topic: 'oom', containerId: 'x' });
  t.is(parseEvent(`${at} /tasks/start {"container_id":"x"}`), undefined);
  t.is(parseEvent(`${at} /tasks/exit {broken`), undefined);
});

test('tables', (t) => {
  t.deepEqual(
    [...parseTasks('TASK    PID     STATUS    \nx1    14601    RUNNING\ny    0    STOPPED\n')],
    [
      ['x1', { pid: 14601, status: 'RUNNING' }],
      ['y', { pid: 0, status: 'STOPPED' }],
    ],
  );
  t.deepEqual(
    parseImages('REF TYPE DIGEST SIZE PLATFORMS LABELS \na.io/b:1 application/x sha256:1 2.0 MiB linux/amd64 -\n'),
    [{ ref: 'a.io/b:1', digest: 'sha256:1', sizeBytes: 2 << 20 }],
  );
  t.is(parseRemovedExitCode('time="…" level=warning msg="task x exit with non-zero exit code 5"'), 5);
  t.is(parseRemovedExitCode(''), 0);
});

const accounts = {
  passwd: 'root:x:0:0::/:/bin/sh\nweb:x:1000:1001::/:/bin/sh\n',
  group: 'root:x:0:\nstaff:x:50:web\nextra:x:60:other,web\n',
};

test("users are the image's", (t) => {
  t.deepEqual(resolveUser({ image: 'web', groups: [70] }, accounts), { uid: 1000, gid: 1001, groups: [50, 60, 70] });
  t.deepEqual(resolveUser({ image: 'web:staff', groups: [] }, accounts), { uid: 1000, gid: 50, groups: [60] });
  t.deepEqual(resolveUser({ image: '7:8', groups: [] }, accounts), { uid: 7, gid: 8, groups: [] });
  t.deepEqual(resolveUser({ image: 'web:staff', uid: 0, groups: [] }, accounts), { uid: 0, gid: 0, groups: [] });
  t.deepEqual(resolveUser({ image: '', uid: 1000, gid: 5, groups: [5] }, accounts), {
    uid: 1000,
    gid: 5,
    groups: [50, 60],
  });
  t.deepEqual(resolveUser({ image: '', groups: [] }, { passwd: '', group: '' }), { uid: 0, gid: 0, groups: [] });
  t.throws(() => resolveUser({ image: 'nobody-knows', groups: [] }, accounts), {
    message: /unable to find user nobody-knows/,
  });
  t.false(needsAccounts({ image: 'root', groups: [] }));
  t.true(needsAccounts({ image: '', uid: 5, groups: [] }));
});

test('capabilities by bit', (t) => {
  t.deepEqual(capabilitiesOf(0b1n | (1n << 40n)), ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE']);
});

test("a last line that may be a tool's own waits; all else passes at once", async (t) => {
  const passing = new HeldLine('ctr: ');
  let out = '';
  passing.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const write = (text: string): Promise<void> =>
    new Promise((resolve) => passing.write(text, () => setImmediate(resolve)));
  await write('one\nctr: perhaps\n');
  t.is(out, 'one\n');
  await write('two\nc');
  t.is(out, 'one\nctr: perhaps\ntwo\n');
  await write('ount');
  t.is(out, 'one\nctr: perhaps\ntwo\ncount');
  passing.end('\nctr: it failed\n');
  t.is(await passing.lastLine, 'ctr: it failed\n');
  const ended = once(passing, 'end');
  passing.finish('');
  await ended;
  t.is(out, 'one\nctr: perhaps\ntwo\ncount\n');
});
