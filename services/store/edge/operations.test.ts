// Shows what operators can do to a running store: members come and go without losing a majority, leases end once, old
// revisions are forgotten by age, a full store takes deletions.
import test from 'ava';
import { eventually } from '../../../test/kit/eventually.ts';
import { StoreCluster } from '../../../test/kit/store-cluster.ts';

const put = (key: string, value: string, lease?: string) => ({
  type: 'put' as const,
  key,
  value: Buffer.from(value),
  ...(lease === undefined ? {} : { lease }),
});

test('a member that is added learns, becomes a voter by itself, and counts: three grow to five', async (t) => {
  const store = await StoreCluster.start({ members: 3 });
  t.teardown(() => store.stop());
  const client = store.client();
  for (let i = 0; i < 50; i++) await client.put(`/a/${i}`, 'x'.repeat(100));
  for (const name of ['store-4', 'store-5']) {
    await store.startNew(name);
    t.deepEqual(await store.operate({ operation: 'addMember', member: name }), { done: true });
    while (!(await store.status(await store.leader())).voters.includes(name)) await client.put('/tick', name);
  }
  const status = await store.status(await store.leader());
  t.deepEqual(status.voters, ['store-1', 'store-2', 'store-3', 'store-4', 'store-5']);
  t.deepEqual(status.learners, []);
  await client.put('/b', 'after');
  await store.converged();
  // Two of five may die now.
  await store.kill('store-1');
  await store.kill('store-2');
  t.true((await client.put('/c', 'with three of five')).ok);
});

test('removing members: never below a majority of the living, never the last; the leader may remove itself', async (t) => {
  const store = await StoreCluster.start({ members: 3 });
  t.teardown(() => store.stop());
  const client = store.client();
  await client.put('/a', '1');
  const leader = await store.leader();
  const [dead, other] = store.names.filter((name) => name !== leader) as [string, string];
  await store.kill(dead);
  const until = Date.now() + 120_000;
  while ((await store.status(leader)).alive.includes(dead) && Date.now() < until) await client.put('/tick', '1');
  const refused = await store.operate({ operation: 'removeMember', member: other });
  t.like(refused, { refused: 'invalid' });
  t.regex(JSON.stringify(refused), /would stop every write: .*silent/);
  t.like(await store.operate({ operation: 'removeMember', member: 'store-9' }), { refused: 'invalid' });
  t.deepEqual(await store.operate({ operation: 'removeMember', member: dead }), { done: true });
  await store.forget(dead);
  t.deepEqual(await store.operate({ operation: 'removeMember', member: leader }), { done: true });
  await store.forget(leader);
  t.is(await store.leader(), other);
  t.like(await store.operate({ operation: 'removeMember', member: other }), { refused: 'invalid' });
  t.true((await client.put('/b', 'alone')).ok);
});

test('a dead member is replaced in one step when its successor has caught up', async (t) => {
  const store = await StoreCluster.start({ members: 3 });
  t.teardown(() => store.stop());
  const client = store.client();
  await client.put('/a', '1');
  const leader = await store.leader();
  const dead = store.names.find((name) => name !== leader)!;
  await store.kill(dead);
  await store.startNew('store-4');
  t.deepEqual(await store.operate({ operation: 'addMember', member: 'store-4', replaces: dead }), { done: true });
  const voters = store.names.filter((name) => name !== dead);
  for (;;) {
    const status = await store.status(await store.leader());
    if (status.voters.join() === voters.join()) break;
    t.false(status.voters.length > 3, 'never four voters on the way');
    await client.put('/tick', '1');
  }
  await store.forget(dead);
  await store.converged();
});

test('keys end with their lease, at the same revision everywhere; renewing, a new leader and a put without it keep them', async (t) => {
  const store = await StoreCluster.start({ members: 3, speed: 20 });
  t.teardown(() => store.stop());
  const client = store.client();
  t.like(await store.operate({ operation: 'leaseGrant', id: 'l1', ttlSeconds: 30 }), { lease: { ttlMs: 30_000 } });
  await store.operate({ operation: 'leaseGrant', id: 'kept', ttlSeconds: 3_600 });
  t.true((await client.txn([put('/leased/a', '1', 'l1'), put('/leased/b', '1', 'l1')])).ok);
  t.true((await client.txn([put('/kept', '1', 'kept')])).ok);
  await client.put('/leased/b', 'its own again');
  t.like(await client.txn([put('/x', '1', 'never granted')]), { ok: false, reason: 'no-lease' });
  const first = await store.leader();
  await store.stopMember(first);
  t.is((await client.read('/leased/')).length, 2);
  await store.startMember(first);
  while ((await client.read('/leased/')).length === 2) await client.put('/tick', '1');
  t.deepEqual(
    (await client.read('/')).map(({ key }) => key).filter((key) => key !== '/tick'),
    ['/kept', '/leased/b'],
  );
  const removal = (await client.history(0)).find(({ cause }) => cause.span === 'lease/l1');
  t.like(removal, { changes: [{ type: 'delete', key: '/leased/a' }], cause: { actor: 'store' } });
  t.like(await store.operate({ operation: 'leaseKeepAlive', id: 'l1' }), { refused: 'invalid' });
  t.like(await store.operate({ operation: 'leaseKeepAlive', id: 'kept' }), { lease: { ttlMs: 3_600_000 } });
  await store.operate({ operation: 'leaseRevoke', id: 'kept' });
  t.deepEqual(await client.read('/kept'), []);
  await store.converged();
});

test('a store that is full says so, takes deletions and what marks for deletion, and is well again by itself', async (t) => {
  const store = await StoreCluster.start({ members: 3, member: { limits: { quotaBytes: 10_000 } } });
  t.teardown(() => store.stop());
  const client = store.client();
  for (let i = 0; i < 9; i++) t.true((await client.put(`/${i}`, 'x'.repeat(1_000))).ok);
  const refused = await client.put('/9', 'x'.repeat(1_000));
  t.like(refused, { ok: false, reason: 'quota' });
  t.regex(JSON.stringify(refused), /space exceeded/);
  const leader = await store.leader();
  t.regex((await store.status(leader)).alarms.join(), /space exceeded/);
  t.true((await client.put('/0', 'x'.repeat(1_100))).ok, 'a change of what is there');
  t.true(
    (
      await client.txn([
        { type: 'delete', key: '/1' },
        { type: 'delete', key: '/2' },
      ])
    ).ok,
  );
  t.deepEqual((await store.status(leader)).alarms, []);
  t.true((await client.put('/9', 'x'.repeat(1_000))).ok);
});

test('what is older than the age is forgotten without being asked, also when nothing is written any more', async (t) => {
  const store = await StoreCluster.start({ members: 3, speed: 20, forgetAfterSeconds: 10 });
  t.teardown(() => store.stop());
  const client = store.client();
  for (let i = 0; i < 20; i++) await client.put('/a', `${i}`);
  const leader = await store.leader();
  const until = Date.now() + 120_000;
  while ((await store.status(leader)).compactedRevision < 20 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const status = await store.status(leader);
  t.is(status.compactedRevision, 20);
  t.deepEqual(await client.ask(leader, { query: 'history', since: 5, limit: 10 }), { compacted: { oldest: 20 } });
  t.is((await client.read('/a')).length, 1);
  await store.converged();
});

test('the limits that the leader was given are those of all, also of whoever was given others', async (t) => {
  const quotaBytesOf = (name: string): number => (name === 'store-3' ? 3_000 : 20_000);
  const store = await StoreCluster.start({ members: 3, quotaBytesOf });
  t.teardown(() => store.stop());
  const quotaOf = (name: string): number => store.member(name).member.state.limits.quotaBytes;
  await eventually('the quota of whoever leads', async () => {
    const wanted = quotaBytesOf(await store.leader());
    return store.names.every((name) => quotaOf(name) === wanted);
  });
  await store.kill('store-3');
  await eventually('the larger one', () => quotaOf('store-1') === 20_000 && quotaOf('store-2') === 20_000);
  const client = store.client('apiserver-1');
  for (let i = 0; i < 8; i++) t.like(await client.put(`/k/${i}`, 'x'.repeat(1_000)), { ok: true });

  // It takes what its own settings would have refused, and says that they are others.
  await store.startMember('store-3');
  await eventually('store-3 says that it was given other limits', async () => {
    if ((await store.leader()) === 'store-3') await store.operate({ operation: 'transfer', to: 'store-1' });
    const { alarms } = await store.status('store-3');
    return alarms.some((alarm) => /quotaBytes is 3000 here and 20000 there; give all members the same$/.test(alarm));
  });
  await store.converged();
  t.is(store.member('store-3').member.state.versions.liveKeys, 8);
  t.deepEqual(store.deaths, []);
});
