// Three processes, a real nats-server, real disks with fsync: what is acknowledged survives SIGKILL.
import test from 'ava';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreProcesses } from '../../test/kit/store-processes.ts';
import type { StoreTestClient } from '../../test/kit/store-test-client.ts';

interface Load {
  acknowledged: Map<string, number>;
  /** When answers came, in ms. */
  times: number[];
  stop(): Promise<void>;
}

async function startLoad(store: StoreProcesses, writers: number): Promise<Load> {
  const acknowledged = new Map<string, number>();
  const times: number[] = [];
  let stopped = false;
  const write = async (client: StoreTestClient, name: string): Promise<void> => {
    for (let i = 0; !stopped; i++) {
      const key = `/load/${name}/${i}`;
      const result = await client.put(key, `value of ${key}`.padEnd(256));
      if (!result.ok) throw new Error(`${key}: ${JSON.stringify(result)}`);
      acknowledged.set(key, result.revision);
      times.push(performance.now());
    }
  };
  const clients = await Promise.all(Array.from({ length: writers }, (_, i) => store.client(`apiserver-${i}`)));
  const done = Promise.all(clients.map((client, i) => write(client, `w${i}`)));
  return {
    acknowledged,
    times,
    async stop() {
      stopped = true;
      await done;
    },
  };
}

/** The longest time without an answer that began within a second after `at`. */
function gapAt(times: readonly number[], at: number): number {
  const near = times.filter((time, i) => (times[i + 1] ?? 0) > at && time < at + 1_000);
  return Math.max(...near.map((time) => times.find((later) => later > time)! - time));
}

async function assertHolds(client: StoreTestClient, acknowledged: Map<string, number>): Promise<void> {
  const found = new Map((await client.read('/load/')).map((item) => [item.key, item.modRevision]));
  for (const [key, revision] of acknowledged)
    if (found.get(key) !== revision) throw new Error(`${key}: acknowledged at ${revision}, found at ${found.get(key)}`);
}

test('SIGKILL of the leader under load loses no acknowledged write; nor does SIGKILL of everything', async (t) => {
  const store = await StoreProcesses.start();
  t.teardown(() => store.stop());
  await store.leader();
  const load = await startLoad(store, 8);
  const gaps: number[] = [];
  for (let round = 0; round < 5; round++) {
    await sleep(700);
    const leader = await store.leader();
    const at = performance.now();
    await store.kill(leader);
    t.not(await store.leader(), leader);
    while (load.times.at(-1)! < at + 100) await sleep(20);
    store.launch(leader);
    await store.converged().catch(() => undefined);
    gaps.push(Math.round(gapAt(load.times, at)));
  }
  await load.stop();
  const client = await store.client('apiserver-reader');
  await assertHolds(client, load.acknowledged);
  const seconds = (load.times.at(-1)! - load.times[0]!) / 1000;
  t.log(
    `${load.acknowledged.size} writes acknowledged in ${seconds.toFixed(1)} s; gaps after SIGKILL of the leader: ${gaps.join(', ')} ms`,
  );

  const revision = await store.converged();
  await Promise.all([...store.names.map((name) => store.kill(name)), store.nats.kill()]);
  await store.nats.restart();
  for (const name of store.names) store.launch(name);
  await store.leader();
  await assertHolds(await store.client('apiserver-late'), load.acknowledged);
  t.is(await store.converged(), revision);
});

test('with two of three dead writes are refused in time, and go on by themselves when one is back', async (t) => {
  const store = await StoreProcesses.start();
  t.teardown(() => store.stop());
  const leader = await store.leader();
  const client = await store.client('apiserver-1');
  await client.put('/a', '1');
  const others = store.names.filter((name) => name !== leader);
  await Promise.all(others.map((name) => store.kill(name)));
  const began = performance.now();
  const cause = { span: 's', actor: 'a' };
  const operations = [{ type: 'put' as const, key: '/b', value: Buffer.from('2') }];
  const write = { session: 'cut', acknowledged: 0, txns: [{ sequence: 1, compares: [], operations, cause }] };
  t.like(await client.writeTo(leader, write), { refused: 'noQuorum' });
  t.log(`refused after ${Math.round(performance.now() - began)} ms`);
  const waiting = client.put('/c', '3');
  store.launch(others[0]!);
  t.true((await waiting).ok);
});

test('a leader that is stopped (SIGSTOP) is replaced, and acknowledges nothing of its own when it goes on', async (t) => {
  const store = await StoreProcesses.start();
  t.teardown(() => store.stop());
  const leader = await store.leader();
  const load = await startLoad(store, 4);
  await sleep(300);
  const at = performance.now();
  store.signal(leader, 'SIGSTOP');
  while ((load.times.at(-1) ?? 0) < at + 200) await sleep(20);
  const next = await store.leader();
  t.not(next, leader);
  await sleep(500);
  store.signal(leader, 'SIGCONT');
  await sleep(300);
  await load.stop();
  await assertHolds(await store.client('apiserver-reader'), load.acknowledged);
  await store.converged();
  t.log(`gap after SIGSTOP of the leader: ${Math.round(gapAt(load.times, at))} ms`);
});

/** Damaged files that a member has kept for whoever wants to know. */
const setAside = (directory: string): number =>
  existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('damaged-')).length : 0;

test('a member with a flipped bit, one with an empty directory and one with an older copy come back by themselves, under load', async (t) => {
  const store = await StoreProcesses.start();
  t.teardown(() => store.stop());
  await store.leader();
  const load = await startLoad(store, 4);
  const more = async (count: number): Promise<void> => {
    const wanted = load.acknowledged.size + count;
    while (load.acknowledged.size < wanted) await sleep(20);
  };
  const alarms = async (name: string): Promise<string[]> => (await store.status(name))?.alarms ?? ['it is not there'];
  const whole = async (name: string): Promise<void> => {
    while ((await alarms(name)).length > 0) await sleep(50);
  };
  await more(40);
  const copy = mkdtempSync(join(tmpdir(), 'flotilla-copy-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  for (const ruin of ['flip', 'empty', 'old copy'] as const) {
    const victim = await store.leader();
    await store.kill(victim);
    const directory = store.directoryOf(victim);
    const segment = join(
      directory,
      readdirSync(directory)
        .filter((name) => name.endsWith('.segment') && name.startsWith('log-'))
        .at(-1)!,
    );
    if (ruin === 'flip') {
      const bytes = readFileSync(segment);
      // In the middle of what was written: zeros follow, and the last record may be a torn one.
      bytes[Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2)]! ^= 4;
      writeFileSync(segment, bytes);
    } else if (ruin === 'empty') rmSync(directory, { recursive: true });
    else {
      cpSync(directory, copy, { recursive: true });
      store.launch(victim);
      await more(40);
      await store.kill(victim);
      rmSync(directory, { recursive: true });
      cpSync(copy, directory, { recursive: true });
    }
    const before = setAside(directory);
    store.launch(victim);
    await more(40);
    await whole(victim);
    t.is(setAside(directory) > before, ruin === 'flip', `${ruin} on ${victim}`);
    await store.leader();
  }
  await load.stop();
  await store.converged();
  await assertHolds(await store.client('apiserver-reader'), load.acknowledged);
});
