import test from 'ava';
import type { StoreSettings } from '../../lib/actor/settings.ts';
import { planActorFiles } from './actor-files.ts';
import {
  againComposeCluster,
  boxesOf,
  COMPOSE_HOME,
  composePlaces,
  largestCluster,
  planComposeCluster,
} from './compose-layout.ts';
import { homeLayout } from './home.ts';

const usual = planComposeCluster({ name: 'demo', clusterId: 'c0ffee', network: '172.30.64', apiPort: 6443 });

test('which processes share a container, and where', (t) => {
  t.snapshot(
    boxesOf(largestCluster(usual)).map(({ service, address, units }) => `${service} ${address}: ${units.join(', ')}`),
  );
});

test('a profile adds, and starting without it takes nothing away', (t) => {
  const five = againComposeCluster(usual, { stores: 5 });
  t.is(five.stores.length, 5);
  t.deepEqual(againComposeCluster(five, {}).stores, five.stores);
  t.is(againComposeCluster(five, { nats: 3 }).nats.length, 3);
});

test('members that come with a profile wait to be added; the first ones stay as they began', (t) => {
  const five = againComposeCluster(usual, { stores: 5 });
  const extras = { upstreamDns: [], imageArchives: [], logLevel: 'info' };
  const files = planActorFiles(five, composePlaces(five), homeLayout(COMPOSE_HOME), extras);
  const members = (instance: string) =>
    (files.find((file) => file.instance === instance)!.settings as StoreSettings).members;
  t.deepEqual(members('store-1'), ['store-1', 'store-2', 'store-3']);
  t.deepEqual(members('store-4'), []);
});

test('actors know every server of the bus, nodes every block of pods', (t) => {
  const places = composePlaces(largestCluster(usual));
  t.deepEqual(
    places.nats.map(({ ip, port }) => `${ip}:${port}`),
    ['172.30.64.11:4222', '172.30.64.12:4222', '172.30.64.13:4222'],
  );
  t.deepEqual(
    places.nodes.map(({ ip, podCidr }) => `${podCidr} via ${ip}`),
    ['10.244.1.0/24 via 172.30.64.101', '10.244.2.0/24 via 172.30.64.102', '10.244.3.0/24 via 172.30.64.103'],
  );
});
