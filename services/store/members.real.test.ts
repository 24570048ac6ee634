// Real processes under load: the store grows from three to five, and every member is restarted in its turn. Nothing that
// was acknowledged is lost, nothing is read that was not there, and the stream of commits has no gap and no double.
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../../test/kit/eventually.ts';
import { StoreProcesses } from '../../test/kit/store-processes.ts';
import type { StoreTestClient } from '../../test/kit/store-test-client.ts';

interface Load {
  written(): number;
  /** Checks everything that was seen; throws what is wrong. */
  stop(): Promise<{ acknowledged: Map<string, number>; reads: number }>;
}

/** Each writer has keys of its own and counts up; readers must never see less than what was acknowledged before they asked. */
async function startLoad(store: StoreProcesses, writers: number, readers: number): Promise<Load> {
  const acknowledged = new Map<string, number>();
  const counts = Array.from({ length: writers }, () => 0);
  let stopped = false;
  let reads = 0;
  const write = async (client: StoreTestClient, who: number): Promise<void> => {
    for (let count = 1; !stopped; count++) {
      const own = `/own/${who}/${count}`;
      const operations = [
        { type: 'put' as const, key: `/count/${who}`, value: Buffer.from(String(count)) },
        { type: 'put' as const, key: own, value: Buffer.from('x'.repeat(200)) },
      ];
      const result = await client.txn(operations);
      if (!result.ok) throw new Error(`${own}: ${JSON.stringify(result)}`);
      acknowledged.set(own, result.revision);
      counts[who] = count;
    }
  };
  const read = async (client: StoreTestClient): Promise<void> => {
    while (!stopped) {
      const before = [...counts];
      const found = await client.read('/count/');
      const seen = new Map(found.map(({ key, value }) => [key, Number(Buffer.from(value).toString())]));
      for (const [who, least] of before.entries())
        if ((seen.get(`/count/${who}`) ?? 0) < least)
          throw new Error(`stale: writer ${who} was answered ${least}, read was ${seen.get(`/count/${who}`)}`);
      reads++;
    }
  };
  const clients = (count: number, word: string): Promise<StoreTestClient[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => store.client(`apiserver-${word}${i}`)));
  const work = Promise.all([
    ...(await clients(writers, 'w')).map((client, who) => write(client, who)),
    ...(await clients(readers, 'r')).map((client) => read(client)),
  ]);
  work.catch(() => (stopped = true));
  return {
    written: () => acknowledged.size,
    async stop() {
      stopped = true;
      await work;
      return { acknowledged, reads };
    },
  };
}

async function moreWrites(load: Load, count: number): Promise<void> {
  const until = load.written() + count;
  await eventually(`${count} more writes`, () => load.written() >= until);
}

async function assertAllThere(t: ExecutionContext, store: StoreProcesses, load: Load): Promise<void> {
  const { acknowledged, reads } = await load.stop();
  const client = await store.client('apiserver-after');
  const found = new Map((await client.read('/own/')).map(({ key, modRevision }) => [key, modRevision]));
  for (const [key, revision] of acknowledged)
    if (found.get(key) !== revision) throw new Error(`${key}: acknowledged at ${revision}, found at ${found.get(key)}`);
  const revisions = (await client.history(0)).map(({ revision }) => revision);
  t.deepEqual(
    revisions,
    revisions.map((_, i) => i + 1),
  );
  t.true(reads > 0);
  t.log(`${acknowledged.size} writes acknowledged and found, ${reads} linearizable reads checked`);
}

test.serial('the store grows from three to five under load, and then two of five may die', async (t) => {
  const store = await StoreProcesses.start();
  t.teardown(() => store.stop());
  await store.leader();
  const load = await startLoad(store, 4, 2);
  await moreWrites(load, 40);
  for (const name of ['store-4', 'store-5']) {
    store.launchNew(name);
    t.deepEqual(await store.operate({ operation: 'addMember', member: name }), { done: true });
    await store.votes(name);
    await moreWrites(load, 25);
  }
  const dead = ['store-1', 'store-2'];
  await Promise.all(dead.map((name) => store.kill(name)));
  await moreWrites(load, 25);
  for (const name of dead) store.launch(name);
  await assertAllThere(t, store, load);
  await store.converged();
  t.is((await store.status(await store.leader()))?.voters.length, 5);
});

test.serial('every member is restarted in its turn under load, the leader too; then one leaves', async (t) => {
  const store = await StoreProcesses.start();
  t.teardown(() => store.stop());
  await store.leader();
  const load = await startLoad(store, 4, 2);
  for (const name of store.names) {
    await moreWrites(load, 25);
    await store.drain(name);
    await moreWrites(load, 25);
    store.launch(name);
    await store.leader();
    await eventually(`${name} follows closely`, async () => {
      const leader = await store.status(await store.leader());
      return leader?.alive.includes(name) === true && leader.lastIndex - (leader.match[name] ?? 0) < 64;
    });
  }
  const leader = await store.leader();
  await store.operate({ operation: 'removeMember', member: leader });
  await moreWrites(load, 25);
  await store.kill(leader);
  store.names.splice(store.names.indexOf(leader), 1);
  await assertAllThere(t, store, load);
  await store.converged();
});
