// Shows that Events hang on leases of the store, a minute's on one, and go when it ends; and that without one they are
// written all the same.
import test from 'ava';
import { systemClock } from '../../../lib/actor/system.ts';
import type { ActorContext } from '../../../lib/actor/context.ts';
import { seededChance } from '../../../lib/base/chance.ts';
import { silentLog } from '../../../lib/base/log.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { Operation } from '../../../lib/bus/messages.ts';
import { StoreCluster } from '../../../test/kit/store-cluster.ts';
import { EventLeases } from './event-leases.ts';
import { StoreClient } from './store-client.ts';

const EVENTS = { ref: { resource: 'events' } } as unknown as Kind;
const PODS = { ref: { resource: 'pods' } } as unknown as Kind;
const put = (key: string): Operation => ({ type: 'put', key, value: Buffer.from('{}') });
const leaseOf = (operations: readonly Operation[]): string | undefined =>
  operations[0]?.type === 'put' ? operations[0].lease : undefined;

function contextOf(store: StoreCluster): ActorContext {
  const bus = store.network.connect('apiserver-1');
  return {
    bus,
    cluster: store.cluster,
    instance: 'apiserver-1',
    clock: systemClock,
    chance: seededChance(1),
    log: silentLog,
  } as unknown as ActorContext;
}

test('Events of one minute share a lease and go with it; other kinds have none', async (t) => {
  const store = await StoreCluster.start({ members: 3 });
  t.teardown(() => store.stop());
  await store.leader();
  const client = new StoreClient(contextOf(store), store.names);
  const leases = new EventLeases(contextOf(store), client);
  const both = await Promise.all([leases.attach(EVENTS, [put('/e/1')]), leases.attach(EVENTS, [put('/e/2')])]);
  const id = leaseOf(both[0])!;
  t.regex(id, /^events\/apiserver-1\//);
  t.is(leaseOf(both[1]), id);
  t.is(leaseOf(await leases.attach(PODS, [put('/p')])), undefined);
  const cause = { span: 's', actor: 'apiserver-1' };
  for (const operations of both)
    t.true((await client.write({ compares: [], operations, cause }, systemClock.monotonic() + 5_000)).ok);
  t.is((await store.client().read('/e/')).length, 2);
  await store.operate({ operation: 'leaseRevoke', id });
  t.deepEqual(await store.client().read('/e/'), []);
  leases.forget();
  t.not(leaseOf(await leases.attach(EVENTS, [put('/e/3')])), id);
});

test('a store that grants nothing costs an Event its lease, not its life', async (t) => {
  const store = await StoreCluster.start({ members: 3 });
  t.teardown(() => store.stop());
  const nobody = new StoreClient(contextOf(store), ['store-9']);
  const leases = new EventLeases(contextOf(store), nobody);
  t.is(leaseOf(await leases.attach(EVENTS, [put('/e/1')])), undefined);
});
