// Asks the process shim the questions of every shim, and whether the demo's image works with it, rooted and plain.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { silentLog } from '../../lib/base/log.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { askShim, containerOf, ended, podOf, until } from '../conformance/suite.ts';
import { buildImage } from '../conformance/test-image.ts';
import type { RuntimeShim, ShimContext } from '../contract.ts';
import { openProcessShim } from './index.ts';
import { quoted } from '../shared/terminal.ts';

const directory = mkdtempSync(join(tmpdir(), 'flotilla-process-'));
const contextIn = (name: string): ShimContext => ({
  exec: systemExec,
  clock: systemClock,
  chance: systemChance,
  log: silentLog,
  settings: {
    node: 'n',
    nodeIp: '127.0.0.1',
    podCidr: '10.231.1.0/24',
    stateDir: join(directory, name),
    cgroupRoot: 'x',
  },
});
let shim: RuntimeShim;

askShim(test, async () => {
  const archive = join(directory, 'web.tar');
  const imageRef = await buildImage(archive);
  shim = await openProcessShim(contextIn('rooted'));
  await shim.importArchive(archive);
  const reopen = async () => (shim = await openProcessShim(contextIn('rooted')));
  return { shim, reopen, imageRef, isReal: true, logsDir: join(directory, 'logs') };
});

test.after.always(async () => {
  await shim?.close();
  rmSync(directory, { recursive: true, force: true });
});

const fetchText = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host, port, path: '/', agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });

const demo = async (t: { is(a: unknown, b: unknown): void }, under: RuntimeShim): Promise<void> => {
  const image = await under.ensureImage('ghcr.io/acme/web:1a2b3c4', { policy: 'Never' });
  const sandboxes = await Promise.all([under.createSandbox(podOf('web-a')), under.createSandbox(podOf('web-b'))]);
  const logsDir = join(directory, 'logs');
  const argv = image.config.command;
  const containers = [];
  for (const sandbox of sandboxes)
    containers.push(
      await under.runContainer(
        containerOf({ logsDir }, sandbox, image, { argv, env: { PATH: '/bin', DRAIN_SECONDS: '4' } }),
      ),
    );
  for (const [i, sandbox] of sandboxes.entries())
    t.is(
      (await until('the demo answers', () => fetchText(sandbox.ip, 8080).catch(() => undefined))).trim(),
      i === 0 ? 'web-a' : 'web-b',
    );
  await under.signal(containers[0]!.id, 'SIGTERM');
  t.is((await fetchText(sandboxes[0]!.ip, 8080)).trim(), 'web-a');
  t.is((await ended(under, containers[0]!.id)).exitCode, 0);
  for (const { id } of containers) await under.remove(id);
  for (const { id } of sandboxes) await under.removeSandbox(id);
};

test.serial('the demo answers in two pods at once, and drains', (t) => demo(t, shim));

test.serial('without user namespaces the demo works as well', async (t) => {
  const ctx = contextIn('plain');
  const run: ShimContext['exec']['run'] = async (argv, options) =>
    argv[0] === 'unshare'
      ? { argv, exitCode: 1, signal: null, timedOut: false, stdout: '', stderr: 'not permitted' }
      : systemExec.run(argv, options);
  const plain = await openProcessShim({ ...ctx, exec: { ...systemExec, run } });
  t.is((await plain.version()).version, '1-plain');
  await plain.importArchive(join(directory, 'web.tar'));
  await demo(t, plain);
  await plain.close();
});

test.serial('the image named host is this machine', async (t) => {
  const image = await shim.ensureImage('host', { policy: 'IfNotPresent' });
  const sandbox = await shim.createSandbox(podOf('host'));
  const spec = containerOf({ logsDir: join(directory, 'logs') }, sandbox, image, {
    argv: ['sh', '-c', 'env; exit 5'],
    env: { PATH: '/usr/bin:/bin', ONLY: 'this' },
  });
  const { id } = await shim.runContainer(spec);
  t.is((await ended(shim, id)).exitCode, 5);
  const text = readFileSync(spec.logPath, 'utf8');
  t.true(text.includes('ONLY=this') && text.includes(`POD_IP=${sandbox.ip}`));
  t.false(text.includes('npm_') || text.includes('AVA'), 'nothing of our own environment');
  await shim.remove(id);
  await shim.removeSandbox(sandbox.id);
});

test.serial('volumes are mounted, read-only where told; the image itself stays as it was', async (t) => {
  if ((await shim.version()).version !== '1-rooted') return void t.pass();
  const source = join(directory, 'volume');
  mkdirSync(source);
  writeFileSync(join(source, 'key'), 'value\n');
  const image = await shim.ensureImage('ghcr.io/acme/web:1a2b3c4', { policy: 'Never' });
  const sandbox = await shim.createSandbox(podOf('volumes'));
  const script = 'cat /var/volume/key; echo x > /var/volume/key || echo refused; echo own > /etc/own; cat /etc/own';
  const mounts = [{ source, target: '/var/volume', readOnly: true, propagation: 'private' as const }];
  const spec = containerOf({ logsDir: join(directory, 'logs') }, sandbox, image, {
    argv: ['sh', '-c', script],
    mounts,
  });
  const { id } = await shim.runContainer(spec);
  await ended(shim, id);
  const text = readFileSync(spec.logPath, 'utf8');
  t.regex(text, /^value$/m);
  t.regex(text, /^refused$/m);
  t.regex(text, /^own$/m);
  t.false(existsSync(join(directory, 'rooted', 'images', image.id.slice('sha256:'.length), 'rootfs', 'etc', 'own')));
  await shim.remove(id);
  await shim.removeSandbox(sandbox.id);
});

test.serial('a container over its memory limit is OOMKilled', async (t) => {
  const image = await shim.ensureImage('host', { policy: 'IfNotPresent' });
  const sandbox = await shim.createSandbox(podOf('hungry'));
  const spec = containerOf({ logsDir: join(directory, 'logs') }, sandbox, image, {
    argv: [process.execPath, '-e', 'const kept = Buffer.alloc(100e6, 1); setInterval(() => kept[0], 1000)'],
    limits: { memoryBytes: 64 << 20 },
  });
  const { id } = await shim.runContainer(spec);
  t.like(await ended(shim, id), { exitCode: 137, reason: 'OOMKilled' });
  await shim.remove(id);
  await shim.removeSandbox(sandbox.id);
});

test('an image that was not imported is refused with what to do', async (t) => {
  await t.throwsAsync(shim.ensureImage('nginx', { policy: 'Always' }), { message: /has not been imported.*archive/ });
});

test('quoting survives a shell', (t) => {
  for (const word of ['', "it's", '$(id)', '`id`', 'a\nb', '"x" \\ !', '*'])
    t.is(execFileSync('sh', ['-c', `printf %s ${quoted(word)}`]).toString(), word);
});
