// Asks the pretender the questions of every shim, and whether it misbehaves as told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { silentLog } from '../../lib/base/log.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { askShim, containerOf, ended, podOf } from '../conformance/suite.ts';
import type { ShimContext, ShimError } from '../contract.ts';
import { openHollowShim } from './index.ts';
import { planOf } from './plan.ts';

const directory = mkdtempSync(join(tmpdir(), 'flotilla-hollow-'));
const ctx: ShimContext = {
  exec: systemExec,
  clock: systemClock,
  chance: systemChance,
  log: silentLog,
  settings: { node: 'n', nodeIp: '127.0.0.1', podCidr: '10.244.1.0/24', stateDir: directory, cgroupRoot: 'x' },
};
const imageRef = 'docker.io/library/pretend:1';

askShim(test, async () => {
  const open = () => openHollowShim(ctx, { present: [imageRef] });
  return { shim: await open(), reopen: open, imageRef, isReal: false, logsDir: join(directory, 'logs') };
});

test.after.always(() => rmSync(directory, { recursive: true, force: true }));

const other = async (name: string, options: Parameters<typeof openHollowShim>[1] = {}) =>
  openHollowShim({ ...ctx, settings: { ...ctx.settings, stateDir: join(directory, name) } }, options);

test('a full node refuses a sandbox', async (t) => {
  const shim = await other('full');
  const error = await t.throwsAsync(
    shim.createSandbox({ ...podOf('a'), annotations: { 'hollow.flotilla.io/sandbox': 'full' } }),
  );
  t.is((error as ShimError).kind, 'CreatePodSandboxError');
});

test('a range of addresses runs out, and what is given back is given again', async (t) => {
  const small = await openHollowShim({
    ...ctx,
    settings: { ...ctx.settings, podCidr: '10.0.0.0/29', stateDir: join(directory, 'small') },
  });
  const sandboxes = [];
  for (let i = 0; i < 5; i++) sandboxes.push(await small.createSandbox(podOf(`p${i}`)));
  t.deepEqual(
    sandboxes.map(({ ip }) => ip),
    [2, 3, 4, 5, 6].map((host) => `127.0.0.${host}`),
  );
  await t.throwsAsync(small.createSandbox(podOf('one-too-many')));
  await small.removeSandbox(sandboxes[1]!.id);
  t.is((await small.createSandbox(podOf('next'))).ip, '127.0.0.3');
});

test('an image that is planned to be missing cannot be pulled', async (t) => {
  const shim = await other('pull');
  const error = await t.throwsAsync(shim.ensureImage('registry.io/no-such-image', { policy: 'IfNotPresent' }));
  t.is((error as ShimError).kind, 'ErrImagePull');
});

test('one that ignores TERM ends only by KILL', async (t) => {
  const shim = await other('term', { plan: () => ({ ignoresTerm: true }) });
  const image = await shim.ensureImage('a', { policy: 'IfNotPresent' });
  const sandbox = await shim.createSandbox(podOf('a'));
  const { id } = await shim.runContainer(containerOf({ logsDir: directory }, sandbox, image, { argv: ['x'] }));
  await shim.signal(id, 'SIGTERM');
  t.is((await shim.list()).containers[0]?.state, 'running');
  await shim.signal(id, 'SIGKILL');
  t.is((await ended(shim, id)).exitCode, 137);
});

test('annotations that make no sense are not there', (t) => {
  t.deepEqual(
    planOf({ 'hollow.flotilla.io/exit-code': 'seven', 'hollow.flotilla.io/sandbox': 'empty', other: '1' }),
    {},
  );
  t.deepEqual(planOf({ 'hollow.flotilla.io/exit-code': '7' }), { exitCode: 7 });
});
