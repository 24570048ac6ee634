// Three members in one process over the memory bus: what is acknowledged stays, whatever dies.
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreCommitted, StoreWrite, StoreWriteReply, Txn, TxnResult } from '../../../lib/bus/messages.ts';
import { packWrite } from '../../../lib/bus/packed.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { StoreCluster, type StoreClusterOptions } from '../../../test/kit/store-cluster.ts';
import type { StoreTestClient } from '../../../test/kit/store-test-client.ts';

async function withCluster(options: StoreClusterOptions, run: (cluster: StoreCluster) => Promise<void>): Promise<void> {
  const cluster = await StoreCluster.start(options);
  try {
    await run(cluster);
  } finally {
    await cluster.stop();
  }
}

const revisionOf = (result: TxnResult): number => {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result.revision;
};

/** Writes its own keys as fast as it is answered, until told to stop; every acknowledged key with its revision. */
function load(client: StoreTestClient, name: string): { acknowledged: Map<string, number>; stop(): Promise<void> } {
  const acknowledged = new Map<string, number>();
  let stopped = false;
  const done = (async () => {
    for (let i = 0; !stopped; i++) {
      const key = `/${name}/${i}`;
      acknowledged.set(key, revisionOf(await client.put(key, `value of ${key}`, 30_000)));
    }
  })();
  return {
    acknowledged,
    async stop() {
      stopped = true;
      await done;
    },
  };
}

async function assertHolds(client: StoreTestClient, prefix: string, acknowledged: Map<string, number>): Promise<void> {
  const found = new Map((await client.read(prefix)).map((item) => [item.key, item.modRevision]));
  for (const [key, revision] of acknowledged)
    if (found.get(key) !== revision)
      throw new Error(`${key} was acknowledged at revision ${revision} and is found at ${found.get(key)}`);
}

test('writes, conflicts, reads, history and status', (t) =>
  withCluster({}, async (cluster) => {
    const client = cluster.client();
    t.is(revisionOf(await client.put('/a', '1')), 1);
    t.like(await client.txn([{ type: 'put', key: '/a', value: Buffer.from('2') }], [{ key: '/a', revision: 0 }]), {
      ok: false,
      reason: 'conflict',
      current: 1,
    });
    t.is(
      revisionOf(
        await client.txn([
          { type: 'delete', key: '/a' },
          { type: 'put', key: '/b', value: Buffer.from('3') },
        ]),
      ),
      2,
    );
    t.is(await client.readIndex(), 2);
    const items = await client.read('/');
    t.deepEqual(
      items.map(({ key, value, modRevision }) => [key, Buffer.from(value).toString(), modRevision]),
      [['/b', '3', 2]],
    );
    t.deepEqual(
      (await client.history(0)).map(({ revision, changes }) => [revision, changes.map(({ type, key }) => type + key)]),
      [
        [1, ['put/a']],
        [2, ['delete/a', 'put/b']],
      ],
    );
    const leader = await cluster.leader();
    t.like(await cluster.status(leader), { role: 'leader', leader, revision: 2, keys: 1, voters: cluster.names });
    await cluster.converged();
    const hashes = await Promise.all(cluster.names.map(async (name) => (await cluster.status(name)).hash));
    t.is(new Set(hashes).size, 1);
  }));

test('a follower refuses with the name of the leader; what is no message is refused as invalid and changes nothing', (t) =>
  withCluster({}, async (cluster) => {
    const client = cluster.client();
    await client.put('/a', '1');
    const leader = await cluster.leader();
    const follower = cluster.names.find((name) => name !== leader)!;
    const cause = { span: 's', actor: 'a' };
    const write = (txn: Partial<Txn>): StoreWrite => ({
      session: 'x',
      acknowledged: 0,
      txns: [{ sequence: 1, compares: [], operations: [], cause, ...txn }],
    });
    t.like(await client.writeTo(follower, write({})), { refused: 'notLeader', leader });
    t.like(await client.ask(follower, { query: 'readIndex' }), { refused: 'notLeader', leader });
    for (const bad of [
      'x',
      { session: 'x' },
      write({}),
      packWrite(write({ sequence: 0 })),
      packWrite(write({ operations: [{ type: 'put', key: '', value: Buffer.alloc(1) }] })),
      packWrite(write({ compares: [{ key: 'x'.repeat(5_000), revision: 1 }] })),
      { ...write({}), txns: Buffer.from('no transactions') },
    ])
      t.like(await client.sendWrite(leader, bad), { refused: 'invalid' }, JSON.stringify(bad));
    for (const bad of [{}, { query: 'drop' }, { query: 'range', prefix: 1 }, { query: 'history', since: -1, limit: 1 }])
      t.like(await client.ask(leader, bad as never), { refused: 'invalid' }, JSON.stringify(bad));
    const huge = { type: 'put' as const, key: '/huge', value: Buffer.alloc(2_700_000) };
    t.like(await client.txn([huge]), { ok: false, reason: 'too-large' });
    t.is(await client.readIndex(), 1);
  }));

test('the same transaction sent twice, also at the same time, is applied once', (t) =>
  withCluster({}, async (cluster) => {
    const client = cluster.client();
    await client.put('/a', '1');
    const leader = await cluster.leader();
    const txn = {
      sequence: 1,
      compares: [],
      operations: [{ type: 'put' as const, key: '/b', value: Buffer.from('x') }],
      cause: { span: 's', actor: 'a' },
    };
    const send = (): Promise<StoreWriteReply> =>
      client.writeTo(leader, { session: 'twice', acknowledged: 0, txns: [txn] });
    const replies = await Promise.all([send(), send(), send()]);
    // Each answer names the entry that told it; what they tell is the same.
    const told = replies.map((reply) => ('results' in reply ? reply.results : reply));
    t.deepEqual(told, [told[0]!, told[0]!, told[0]!]);
    t.is(await client.readIndex(), 2);
  }));

test('writes of many writers at once share entries and fsyncs', (t) =>
  withCluster({}, async (cluster) => {
    const clients = Array.from({ length: 8 }, (_, i) => cluster.client(`apiserver-${i}`));
    await clients[0]!.put('/first', 'x');
    const leader = cluster.member(await cluster.leader()).member;
    const before = { index: leader.status.lastIndex, batches: leader.storage.batchesWritten };
    const results = await Promise.all(
      clients.flatMap((client, c) => Array.from({ length: 50 }, (_, i) => client.put(`/${c}/${i}`, 'x'))),
    );
    t.is(new Set(results.map(revisionOf)).size, 400);
    t.true(
      leader.status.lastIndex - before.index < 400,
      `${leader.status.lastIndex - before.index} entries for 400 writes`,
    );
    t.true(leader.storage.batchesWritten - before.batches < 400);
  }));

test('the leader dies under load: no acknowledged write is lost, and writes go on', (t) =>
  withCluster({ seed: 2 }, async (cluster) => {
    const loads = [0, 1, 2].map((i) => load(cluster.client(`apiserver-${i}`), `load${i}`));
    const seen: StoreCommitted[] = [];
    cluster.onCommitted((data) => seen.push(data as StoreCommitted));
    for (let round = 0; round < 3; round++) {
      const leader = await cluster.leader();
      await goOn(loads);
      await cluster.kill(leader, { powerCut: true });
      const next = await cluster.leader();
      t.not(next, leader);
      await goOn(loads);
      await cluster.startMember(leader);
    }
    for (const each of loads) await each.stop();
    for (const [i, { acknowledged }] of loads.entries()) {
      await assertHolds(cluster.client(), `/load${i}/`, acknowledged);
    }
    await cluster.converged();
    assertStream(seen, await cluster.client().history(0));
  }));

/** Until each of them has been acknowledged some writes more. */
async function goOn(loads: ReadonlyArray<{ acknowledged: Map<string, number> }>): Promise<void> {
  const wanted = loads.map(({ acknowledged }) => acknowledged.size + 5);
  await eventually('writes go on', () => loads.every(({ acknowledged }, i) => acknowledged.size >= wanted[i]!));
}

/** Every message goes on from a revision; all that was said is history, and what two members say of one revision is the same. */
function assertStream(seen: StoreCommitted[], history: { revision: number }[]): void {
  const said = new Map<number, string>();
  for (const { previous, txns } of seen)
    for (const [i, txn] of txns.entries()) {
      if (txn.revision !== previous + i + 1) throw new Error(`revision ${txn.revision} after ${previous} + ${i}`);
      const text = JSON.stringify(txn);
      if ((said.get(txn.revision) ?? text) !== text) throw new Error(`two stories of revision ${txn.revision}`);
      said.set(txn.revision, text);
    }
  for (const txn of history)
    if ((said.get(txn.revision) ?? JSON.stringify(txn)) !== JSON.stringify(txn))
      throw new Error(`revision ${txn.revision} was said otherwise`);
  if (said.size < history.length / 2)
    throw new Error(`only ${said.size} of ${history.length} revisions were published`);
}

test('with 2 of 3 dead writes are refused in time, and go on by themselves when one is back', (t) =>
  withCluster({ speed: 2 }, async (cluster) => {
    const client = cluster.client();
    await client.put('/a', '1');
    const leader = await cluster.leader();
    const [one, two] = cluster.names.filter((name) => name !== leader);
    await Promise.all([cluster.kill(one!), cluster.kill(two!)]);
    const write = {
      session: 'cut',
      acknowledged: 0,
      txns: [
        {
          sequence: 1,
          compares: [],
          operations: [{ type: 'put' as const, key: '/b', value: Buffer.from('2') }],
          cause: { span: 's', actor: 'a' },
        },
      ],
    };
    for (let attempt = 0; attempt < 3; attempt++) {
      // The client's own patience is the limit: an answer that came later would be none.
      // Whether it has seen by itself yet that it leads no more depends on who had the processor.
      t.like(await client.writeTo(leader, write, 5_000), { refused: 'noQuorum' });
    }
    t.like(await client.ask(leader, { query: 'readIndex' }, 5_000), { refused: 'noQuorum' });
    // What was applied is still readable from a member that lives.
    t.like(await client.ask(leader, { query: 'range', prefix: '/', after: '', limit: 10, revision: 0 }), {
      range: { revision: 1 },
    });
    const waiting = client.put('/c', '3', 20_000);
    await sleep(300);
    await cluster.startMember(one!);
    t.true((await waiting).ok);
    const keys = (await client.read('/')).map(({ key }) => key);
    t.true(keys.includes('/a') && keys.includes('/c'));
  }));

test('all three lose their power at once: every acknowledged write is there afterwards', (t) =>
  withCluster({ seed: 5 }, async (cluster) => {
    let all = new Map<string, number>();
    for (let round = 0; round < 3; round++) {
      const running = load(cluster.client(), `round${round}`);
      while (running.acknowledged.size < 20) await sleep(10);
      const stop = running.stop();
      await Promise.all(cluster.names.map((name) => cluster.kill(name, { powerCut: true })));
      await Promise.all(cluster.names.map((name) => cluster.startMember(name)));
      await stop;
      all = new Map([...all, ...running.acknowledged]);
    }
    await assertHolds(cluster.client(), '/round', all);
    await cluster.converged();
    t.pass();
  }));

test('what is acknowledged is durable on a majority, not only on the leader that says so', (t) =>
  withCluster({ seed: 7 }, async (cluster) => {
    for (let round = 0; round < 5; round++) {
      const client = cluster.client('apiserver-1');
      await client.put(`/before/${round}`, 'x');
      const leader = await cluster.leader();
      const followers = cluster.names.filter((name) => name !== leader);
      for (const name of followers) cluster.disk(name).delay = (call) => sleep(call === 'datasync' ? 30 : 0);
      await client.put(`/kept/${round}`, 'x');
      await Promise.all(cluster.names.map((name) => cluster.kill(name, { powerCut: true })));
      for (const name of followers) cluster.disk(name).delay = undefined;
      // Without the leader: it would have what it wrote itself.
      await Promise.all(followers.map((name) => cluster.startMember(name)));
      const keys = (await cluster.client().read('/kept/')).map(({ key }) => key);
      t.is(keys.length, round + 1, `round ${round}: found ${keys.join()}`);
      await cluster.startMember(leader);
    }
  }));

test('a member that was away for longer than the log reaches comes back by a snapshot', (t) =>
  withCluster(
    {
      member: {
        snapshots: { entries: 40, bytes: 1e9 },
        raftLimits: { cachedBytes: 1000, retainedEntries: 5, heldEntries: 10, snapshotChunkBytes: 512 },
        log: { segmentBytes: 4096, extendBytes: 4096, cachedBytes: 2000, readBytes: 1000 },
      },
    },
    async (cluster) => {
      const client = cluster.client();
      await client.put('/first', 'x');
      const leader = await cluster.leader();
      const away = cluster.names.find((name) => name !== leader)!;
      await cluster.kill(away);
      for (let i = 0; i < 150; i++) await client.put(`/k/${i % 30}`, `value ${i}`);
      const { member } = cluster.member(leader);
      await eventually('the log is shorter than what was missed', () => member.status.firstIndex > 100);
      t.true(member.status.snapshotIndex > 40, `snapshot at ${member.status.snapshotIndex}`);
      t.true(member.storage.log.segmentCount < 8, `${member.storage.log.segmentCount} segments`);
      await cluster.startMember(away);
      await client.put('/last', 'x');
      await cluster.converged();
      t.true(cluster.member(away).member.status.snapshotIndex > 40);
      // It goes on from there after a restart, and so does one that wrote the snapshot itself.
      await Promise.all(cluster.names.map((name) => cluster.kill(name, { powerCut: true })));
      await Promise.all(cluster.names.map((name) => cluster.startMember(name)));
      await client.put('/again', 'x');
      const revision = await cluster.converged();
      t.is((await client.read('/')).length, 33);
      t.is(revision, 153);
      t.deepEqual(cluster.deaths, []);
    },
  ));

test('a leader whose fsync fails says nothing more, dies, and another one leads', (t) =>
  withCluster({}, async (cluster) => {
    const client = cluster.client();
    await client.put('/a', '1');
    const leader = await cluster.leader();
    cluster.disk(leader).fault = (call) => (call === 'datasync' ? new Error('EIO: i/o error, fdatasync') : undefined);
    t.true((await client.put('/b', '2')).ok);
    t.not(await cluster.leader(), leader);
    while (cluster.deaths.length === 0) await sleep(10);
    t.is(cluster.deaths[0]!.member, leader);
    t.regex(cluster.deaths[0]!.error.message, /EIO/);
    cluster.disk(leader).fault = () => undefined;
    await cluster.kill(leader, { powerCut: true });
    await cluster.startMember(leader);
    await cluster.converged();
    t.deepEqual(
      (await client.read('/')).map(({ key }) => key),
      ['/a', '/b'],
    );
  }));

test('a leader whose disk hangs is replaced; its unconfirmed write is not lost and not applied twice', (t) =>
  withCluster({}, async (cluster) => {
    const client = cluster.client();
    await client.put('/a', '1');
    const leader = await cluster.leader();
    let release: () => void = () => undefined;
    const hang = new Promise<void>((resolve) => (release = resolve));
    cluster.disk(leader).delay = (call) => (call === 'datasync' ? hang : Promise.resolve());
    const results = await Promise.all([client.put('/b', '2'), client.put('/c', '3')]);
    t.true(results.every((result) => result.ok));
    t.not(await cluster.leader(), leader);
    release();
    cluster.disk(leader).delay = undefined;
    await cluster.converged();
    t.is((await client.history(0)).length, 3);
  }));

test('leadership is handed over when asked, and when the leader is told to stop; no write fails for it', (t) =>
  withCluster({}, async (cluster) => {
    const running = load(cluster.client(), 'load');
    const leader = await cluster.leader();
    const to = cluster.names.find((name) => name !== leader)!;
    const operator = cluster.network.connect('operator-1');
    const ask = (operation: object): Promise<unknown> =>
      operator.request(`${cluster.cluster}.store.cmd.${leader}.operate.operator-1`, operation, { timeoutMs: 5_000 });
    t.deepEqual(await ask({ operation: 'transfer', to }), { done: true });
    t.is(await cluster.leader(), to);
    await cluster.stopMember(to);
    t.not(await cluster.leader(), to);
    const before = running.acknowledged.size;
    while (running.acknowledged.size < before + 10) await sleep(10);
    await running.stop();
    await assertHolds(cluster.client(), '/load/', running.acknowledged);
  }));

test('a compaction that is asked for makes older revisions unreadable on every member, with what is still there', (t) =>
  withCluster({}, async (cluster) => {
    const client = cluster.client();
    for (let i = 1; i <= 10; i++) await client.put('/a', `${i}`);
    const leader = await cluster.leader();
    const reply = await cluster.network
      .connect('operator-1')
      .request(
        `${cluster.cluster}.store.cmd.${leader}.operate.operator-1`,
        { operation: 'compact', revision: 6 },
        { timeoutMs: 5_000 },
      );
    t.deepEqual(reply, { done: true });
    await cluster.converged();
    for (const name of cluster.names) {
      t.deepEqual(await client.ask(name, { query: 'history', since: 5, limit: 0 }), { compacted: { oldest: 6 } });
      t.deepEqual(await client.ask(name, { query: 'range', prefix: '/', after: '', limit: 0, revision: 3 }), {
        compacted: { oldest: 6 },
      });
    }
    t.is((await client.history(6)).length, 4);
  }));
