// Real, tiny processes: what a supervisor promises is about processes, and a fake one would promise anything.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../../test/kit/eventually.ts';
import { patience } from '../../test/kit/patience.ts';
import type { Unit } from '../core/unit.ts';
import { endProcess, isAlive, readRecord } from '../edge/processes.ts';
import { Supervisor, type SupervisorPlaces, type UnitStatus } from './supervisor.ts';
import { backoffMs } from './unit-machine.ts';

const READY = 'echo $$ > "$READY.tmp" && mv "$READY.tmp" "$READY"';
const STAYS = `${READY}; exec sleep 1000`;

function world(t: ExecutionContext) {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-supervisor-'));
  const places: SupervisorPlaces = {
    pidFile: (unit) => join(home, `${unit}.pid`),
    logFile: (unit) => join(home, `${unit}.log`),
    heldFile: join(home, 'held.json'),
    cwd: home,
  };
  const made: Supervisor[] = [];
  const units = new Set<string>();
  t.teardown(async () => {
    for (const supervisor of made) supervisor.release();
    for (const name of units) {
      const record = readRecord(places.pidFile(name));
      if (record !== undefined) await endProcess(record, 0);
    }
    rmSync(home, { recursive: true, force: true });
  });
  return {
    home,
    places,
    supervisor: () => {
      const supervisor = new Supervisor(places, () => {});
      made.push(supervisor);
      return supervisor;
    },
    unit: (name: string, script: string, more: Partial<Unit> = {}): Unit => {
      units.add(name);
      const ready = join(home, `${name}.ready`);
      return {
        name,
        role: 'test',
        argv: ['/bin/sh', '-c', script],
        env: { READY: ready },
        after: [],
        ready: { type: 'file', path: ready },
        graceSeconds: 2,
        ...more,
      };
    },
  };
}

async function until(
  supervisor: Supervisor,
  name: string,
  holds: (status: UnitStatus) => boolean,
): Promise<UnitStatus> {
  for (const goesOn = patience(120_000); goesOn(); await new Promise((go) => setTimeout(go, 20))) {
    const status = supervisor.status().find((each) => each.name === name);
    if (status !== undefined && holds(status)) return status;
  }
  throw new Error(`${name}: ${JSON.stringify(supervisor.status())}`);
}

const runs = ({ state }: UnitStatus): boolean => state === 'running';

test('a unit runs when it says so itself, and what needs it starts only then', async (t) => {
  const { supervisor: make, unit, home } = world(t);
  const supervisor = make();
  supervisor.load([
    unit('second', `test -e ${home}/first.ready && ${STAYS}`, { after: ['first'] }),
    unit('first', `sleep 0.3; ${STAYS}`),
  ]);
  t.is(supervisor.status().find(({ name }) => name === 'second')?.state, 'waiting');
  await until(supervisor, 'second', runs);
  t.is((await until(supervisor, 'second', runs)).restarts, 0);
});

test('a unit that dies is started again, and what it said is in its log', async (t) => {
  const { supervisor: make, unit, places } = world(t);
  const supervisor = make();
  supervisor.load([unit('a', `echo born; ${STAYS}`)]);
  const first = await until(supervisor, 'a', runs);
  process.kill(first.pid!, 'SIGKILL');
  const second = await until(supervisor, 'a', (status) => runs(status) && status.pid !== first.pid);
  t.is(second.restarts, 1);
  t.is(readFileSync(places.logFile('a'), 'utf8'), 'born\nborn\n');
});

test('a unit that cannot stay waits longer each time, and says why', async (t) => {
  const { supervisor: make, unit } = world(t);
  const supervisor = make();
  supervisor.load([unit('bad', 'exit 7')]);
  const status = await until(supervisor, 'bad', ({ state, restarts }) => state === 'failed' && restarts === 2);
  t.is(status.why, 'exited 7');
  await until(supervisor, 'bad', ({ restarts }) => restarts === 3);
  t.deepEqual([1, 2, 3, 7, 99].map(backoffMs), [250, 500, 1000, 15_000, 15_000]);
});

test('a program that does not exist is a failure like any other', async (t) => {
  const { supervisor: make, unit } = world(t);
  const supervisor = make();
  supervisor.load([unit('none', '', { argv: ['/no/such/program'] })]);
  t.regex((await until(supervisor, 'none', ({ state }) => state === 'failed')).why ?? '', /ENOENT/);
});

test('a stopped unit stays stopped, also for the next supervisor, until it is started', async (t) => {
  const { supervisor: make, unit } = world(t);
  const first = make();
  const units = [unit('a', STAYS)];
  first.load(units);
  await until(first, 'a', runs);
  t.true(first.stop('a', false));
  await until(first, 'a', ({ state }) => state === 'stopped');
  first.release();
  const second = make();
  second.load(units);
  t.is((await until(second, 'a', () => true)).state, 'stopped');
  t.true(second.start('a'));
  await until(second, 'a', runs);
  t.false(second.start('nobody'));
});

test('a unit that ignores SIGTERM is killed when its grace is over', async (t) => {
  const { supervisor: make, unit } = world(t);
  const supervisor = make();
  supervisor.load([unit('deaf', `trap "" TERM; ${READY}; while :; do sleep 0.1; done`, { graceSeconds: 0.3 })]);
  const { pid } = await until(supervisor, 'deaf', runs);
  supervisor.stop('deaf', false);
  await until(supervisor, 'deaf', ({ state }) => state === 'stopped');
  t.throws(() => process.kill(pid!, 0));
});

test('units outlive their supervisor; the next one adopts them and goes on looking after them', async (t) => {
  const { supervisor: make, unit, places } = world(t);
  const first = make();
  const units = [unit('a', STAYS)];
  first.load(units);
  const before = await until(first, 'a', runs);
  first.release();
  t.true(isAlive(readRecord(places.pidFile('a'))!));
  const second = make();
  second.load(units);
  const after = await until(second, 'a', runs);
  t.is(after.pid, before.pid);
  process.kill(before.pid!, 'SIGKILL');
  await until(second, 'a', (status) => runs(status) && status.pid !== before.pid);
});

test('a pid that now belongs to somebody else is not adopted', async (t) => {
  const { supervisor: make, unit, places } = world(t);
  writeFileSync(places.pidFile('a'), JSON.stringify({ pid: process.pid, startTime: '1', startedAt: 0 }));
  const supervisor = make();
  supervisor.load([unit('a', STAYS)]);
  t.not((await until(supervisor, 'a', runs)).pid, process.pid);
});

test('a paused unit stands still, says so, goes on where it was, and is found paused by the next supervisor', async (t) => {
  const { supervisor, unit, places } = world(t);
  const counts = join(places.cwd, 'count');
  const script = `${READY}; i=0; while :; do i=$((i+1)); echo $i > ${counts}.tmp; mv ${counts}.tmp ${counts}; sleep 0.01; done`;
  const first = supervisor();
  first.load([unit('a', script)]);
  const { pid } = await until(first, 'a', runs);
  await eventually('it counts', () => existsSync(counts));
  t.is(first.pause('a'), undefined);
  const halted = await until(first, 'a', ({ state }) => state === 'paused');
  t.is(halted.pid, pid);
  first.release();
  const second = supervisor();
  second.load([unit('a', script)]);
  await until(second, 'a', ({ state }) => state === 'paused');
  const before = readFileSync(counts, 'utf8');
  t.is(second.resume('a'), undefined);
  t.is((await until(second, 'a', runs)).pid, pid);
  await t.notThrowsAsync(eventually('it goes on counting', () => readFileSync(counts, 'utf8') !== before));
});

test('a paused unit ends when it is stopped, and goes on when everything is started', async (t) => {
  const { supervisor, unit } = world(t);
  const kept = supervisor();
  kept.load([unit('a', STAYS, { graceSeconds: 1000 }), unit('b', STAYS)]);
  await until(kept, 'a', runs);
  const { pid } = await until(kept, 'b', runs);
  kept.pause('a');
  kept.pause('b');
  kept.stop('a', false);
  await until(kept, 'a', ({ state }) => state === 'stopped');
  kept.startAll();
  await until(kept, 'a', runs);
  t.is((await until(kept, 'b', runs)).pid, pid);
});

test('what does not run cannot be paused, and what is not there is said so', async (t) => {
  const { supervisor, unit } = world(t);
  const kept = supervisor();
  kept.load([unit('a', STAYS)]);
  await until(kept, 'a', runs);
  kept.stop('a', true);
  await until(kept, 'a', ({ state }) => state === 'stopped');
  t.is(kept.pause('a'), 'a cannot be paused: it is stopped');
  t.is(kept.pause('x'), 'there is no actor named "x" in this cluster');
  t.is(kept.resume('x'), 'there is no actor named "x" in this cluster');
});
