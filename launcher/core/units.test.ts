import test from 'ava';
import type { ApiserverSettings, KubeletSettings, KubeProxySettings, StoreSettings } from '../../lib/actor/settings.ts';
import { planNetwork } from '../network/plan.ts';
import { actorsOf, planActorFiles } from './actor-files.ts';
import { planCluster, type Cluster } from './cluster.ts';
import { homeLayout, MAX_HOME_BYTES } from './home.ts';
import { loopbackPlaces, machinePlaces, type Places } from './network-places.ts';
import { planUnits } from './units.ts';

const FOUND = { clusterId: 'c0ffee', slot: 0, apiPorts: [6443], natsPort: 4222, dnsPort: 53 };
const PROGRAMS = {
  node: '/n',
  runActors: '/run.ts',
  natsServer: '/ns',
  containerd: '/cd',
  nsenter: '/nsenter',
  compileCache: '/h/cache/compile',
  cores: 8,
};
const HOME = homeLayout('/h');

function realPlaces(cluster: Cluster): Places {
  const plan = planNetwork({ cluster: cluster.name, index: cluster.slot, nodes: cluster.nodes });
  const { ip, netns, device } = plan.host;
  return machinePlaces(cluster, ip, { fabricCidr: plan.fabric.cidr, nodes: plan.nodes, machine: { netns, device } });
}

const real = planCluster({ name: 'demo', nodes: 2 }, FOUND);
const hollow = planCluster({ name: 'demo', nodes: 2, runtime: 'hollow' }, FOUND);

test('a cluster is nats, a containerd a node, and every actor, each after what it needs', (t) => {
  const units = planUnits(real, realPlaces(real), HOME, PROGRAMS);
  t.snapshot(units.map(({ name, argv, after }) => `${name}: ${argv.join(' ')}  after ${after.join(', ') || '-'}`));
});

test('every unit carries the mark by which `down` finds it, and actors the shared compile cache', (t) => {
  for (const unit of planUnits(real, realPlaces(real), HOME, PROGRAMS)) {
    t.is(unit.env['FLOTILLA_UNIT'], `c0ffee/${unit.name}`);
    if (unit.argv.includes('/run.ts')) t.is(unit.env['NODE_COMPILE_CACHE'], HOME.compileCache);
  }
});

test('with few cores nats-server takes one, else all', (t) => {
  const environment = (cores: number): unknown =>
    planUnits(hollow, loopbackPlaces(hollow), HOME, { ...PROGRAMS, cores }).find(({ role }) => role === 'nats-server')
      ?.env;
  t.like(environment(2), { GOGC: '400', GOMAXPROCS: '1' });
  t.like(environment(3), { GOGC: '400', GOMAXPROCS: undefined });
});

test('without containers there is no containerd and no namespace to enter', (t) => {
  const units = planUnits(hollow, loopbackPlaces(hollow), HOME, PROGRAMS);
  t.false(units.some(({ role }) => role === 'containerd'));
  t.false(units.some(({ argv }) => argv.includes('/nsenter')));
  t.deepEqual(units.find(({ name }) => name === 'kubelet-node-1')?.after, ['nats']);
});

const settingsOf = <S>(cluster: Cluster, places: Places, instance: string): S => {
  const extras = { upstreamDns: ['10.0.0.2'], imageArchives: ['/h/images/web.oci.tar'], logLevel: 'info' };
  const file = planActorFiles(cluster, places, HOME, extras).find((each) => each.instance === instance)!;
  return file.settings as S;
};

test('actors are told where the others are', (t) => {
  const places = realPlaces(real);
  const api = settingsOf<ApiserverSettings>(real, places, 'apiserver-1');
  t.deepEqual(api.listen, ['127.0.0.1', '10.200.0.1']);
  t.is(api.advertiseAddress, '10.200.0.1');
  t.deepEqual(api.stores, ['store-1', 'store-2', 'store-3']);
  const store = settingsOf<StoreSettings>(real, places, 'store-2');
  t.deepEqual(store.members, api.stores);
  t.is(store.dataDir, '/h/stores/store-2');
  const kubelet = settingsOf<KubeletSettings>(real, places, 'kubelet-node-2');
  t.is(kubelet.nodeIp, '10.200.0.12');
  t.is(kubelet.nodePodCidr, '10.244.2.0/24');
  t.is(kubelet.containerdNamespace, 'demo-node-2');
  t.is(kubelet.cgroupRoot, 'flotilla-demo-node-2');
  t.deepEqual(settingsOf<KubeProxySettings>(real, places, 'kube-proxy-node-1').nonMasqueradeCidrs, ['10.200.0.0/24']);
  const machineOf = (instance: string) => settingsOf<KubeProxySettings>(real, places, instance).machine;
  t.deepEqual(machineOf('kube-proxy-node-1'), { netns: 'demo-machine', device: 'fl-demo' });
  t.is(machineOf('kube-proxy-node-2'), undefined);
});

test('nodes without containers have addresses of their own on loopback', (t) => {
  const { nats, nodes } = loopbackPlaces(hollow);
  t.is(nats[0]?.ip, '127.0.0.1');
  t.deepEqual(
    nodes.map(({ ip, podCidr }) => [ip, podCidr]),
    [
      ['127.32.0.1', '127.32.1.0/24'],
      ['127.32.0.2', '127.32.2.0/24'],
    ],
  );
});

test('every actor has exactly one file and one credential of its own', (t) => {
  const files = planActorFiles(real, realPlaces(real), HOME, { upstreamDns: [], imageArchives: [], logLevel: 'info' });
  const instances = actorsOf(real).map(({ instance }) => instance);
  t.deepEqual(
    files.map(({ instance }) => instance),
    instances,
  );
  t.is(new Set(files.map(({ nats }) => nats.seedFile)).size, instances.length);
});

test('sockets below the longest home still fit into a unix socket address', (t) => {
  const home = homeLayout(`/${'x'.repeat(MAX_HOME_BYTES - 1)}`);
  t.true(`${home.containerdSocket('node-60')}.ttrpc`.length <= 107);
});
