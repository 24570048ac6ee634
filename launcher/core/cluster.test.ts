import test from 'ava';
import {
  againCluster,
  apiPortOf,
  checkOptions,
  kubernetesServiceIp,
  planCluster,
  type Found,
  withNewStore,
  withoutStore,
} from './cluster.ts';

const FOUND: Found = { clusterId: 'c0ffee', slot: 2, apiPorts: [6443], natsPort: 4222, dnsPort: 53 };

test('a new cluster has three nodes, three stores and one API actor unless told otherwise', (t) => {
  const cluster = planCluster({ name: 'demo' }, FOUND);
  t.deepEqual(cluster.nodes, ['node-1', 'node-2', 'node-3']);
  t.deepEqual(cluster.stores, ['store-1', 'store-2', 'store-3']);
  t.deepEqual(cluster.apiservers, ['apiserver-1']);
  t.is(cluster.runtime, 'ctr');
  t.deepEqual(cluster.facts, {
    name: 'demo',
    clusterId: 'c0ffee',
    domain: 'cluster.local',
    podCidr: '10.242.0.0/16',
    serviceCidr: '10.98.0.0/16',
    dnsIp: '10.98.0.10',
  });
  t.is(kubernetesServiceIp(cluster.facts), '10.98.0.1');
});

test('without containers all addresses are loopback ones: no root is needed', (t) => {
  const { facts } = planCluster({ name: 'demo', runtime: 'process' }, FOUND);
  for (const address of [facts.podCidr, facts.serviceCidr, facts.dnsIp]) t.true(address.startsWith('127.'), address);
});

test('each API actor has a port of its own', (t) => {
  const cluster = planCluster({ name: 'demo', apiservers: 3 }, { ...FOUND, apiPorts: [6443, 6445, 6450] });
  t.deepEqual(
    cluster.apiservers.map((instance) => apiPortOf(cluster, instance)),
    [6443, 6445, 6450],
  );
});

for (const [options, word] of [
  [{ nodes: 0 }, '--nodes 0'],
  [{ nodes: 61 }, '--nodes 61'],
  [{ nodes: Number.NaN }, '--nodes NaN'],
  [{ stores: 2 }, '--stores 2'],
  [{ apiservers: 9 }, '--apiservers 9'],
  [{ port: 70_000 }, '--port 70000'],
  [{ name: 'a.b' }, '--name a.b'],
  [{ name: '*' }, '--name *'],
  [{ name: 'x'.repeat(21) }, '--name x'],
] as const)
  test(`refused with its value: ${JSON.stringify(options)}`, (t) => {
    const error = t.throws(() => checkOptions(options));
    t.true(error.message.startsWith(word), error.message);
  });

test('hollow nodes are cheap: many more are allowed', (t) => {
  t.notThrows(() => checkOptions({ nodes: 150, runtime: 'hollow' }));
});

test('a cluster asked for again stays what it is', (t) => {
  const cluster = planCluster({ name: 'demo' }, FOUND);
  t.deepEqual(againCluster(cluster, {}), cluster);
  t.deepEqual(againCluster(cluster, { name: 'demo', runtime: 'ctr', nodes: 3, stores: 3, port: 6443 }), cluster);
});

test('nodes and API actors may be added, with the old ones in their places', (t) => {
  const cluster = planCluster({ name: 'demo' }, FOUND);
  const more = againCluster(cluster, { nodes: 5, apiservers: 2 }, [6450]);
  t.deepEqual(more.nodes, [...cluster.nodes, 'node-4', 'node-5']);
  t.deepEqual(more.apiservers, ['apiserver-1', 'apiserver-2']);
  t.is(apiPortOf(more, 'apiserver-2'), 6450);
});

for (const options of [{ name: 'other' }, { runtime: 'hollow' }, { nodes: 2 }, { port: 7443 }] as const)
  test(`what the stored state hangs on does not change: ${JSON.stringify(options)}`, (t) => {
    const cluster = planCluster({ name: 'demo' }, FOUND);
    t.regex(t.throws(() => againCluster(cluster, options)).message, /this cluster was made with/);
  });

test('members of the store may be added; a name is never given again, and one is only removed by name', (t) => {
  const cluster = planCluster({ name: 'demo' }, FOUND);
  const grown = againCluster(cluster, { stores: 5 });
  t.deepEqual(grown.stores, ['store-1', 'store-2', 'store-3', 'store-4', 'store-5']);
  t.deepEqual(grown.firstStores, cluster.firstStores);
  t.regex(t.throws(() => againCluster(grown, { stores: 3 })).message, /store member remove/);
  const left = withoutStore(withoutStore(grown, 'store-5'), 'store-2');
  t.deepEqual(againCluster(left, { moreStores: 1 }).stores, ['store-1', 'store-3', 'store-4', 'store-6']);
  const recovered = withNewStore(left, ['store-4'], 'new-id');
  t.deepEqual(recovered.firstStores, ['store-4']);
  t.deepEqual(againCluster(recovered, { stores: 3 }).stores, ['store-4', 'store-6', 'store-7']);
});
