// docker-compose.yml is written by hand, to be read by people; the layout decides. This holds one against the other.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import {
  boxesOf,
  COMPOSE_HOME,
  DEFAULT_NETWORK,
  filesOf,
  largestCluster,
  NATS_HEALTH_PORT,
  planComposeCluster,
} from '../core/compose-layout.ts';
import { homeLayout } from '../core/home.ts';
import { natsEnvironment, nodeEnvironment, nodeFlags } from '../core/runtimes.ts';

interface Service {
  command: string[];
  volumes: string[];
  labels?: Record<string, string>;
  networks?: { fleet: { ipv4_address: string } };
  profiles?: string[];
  privileged?: boolean;
  cap_add?: string[];
  restart?: string;
  healthcheck?: { test: string[] };
  environment?: Record<string, string>;
}

const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8').replaceAll(
  /\$\{\w+:-([^}]*)\}/g,
  '$1',
);
const file = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: Record<string, object> };
const usual = planComposeCluster({ name: 'flotilla', clusterId: 'c0ffee', network: DEFAULT_NETWORK, apiPort: 6443 });
const largest = largestCluster(usual);
const boxes = boxesOf(largest);
const ONE_SHOTS = ['setup', 'setup-five', 'setup-ha', 'join'];

test('every container of the layout is a service, and no other is there', (t) => {
  const services = Object.keys(file.services).filter((name) => !ONE_SHOTS.includes(name));
  t.deepEqual(services.toSorted(), boxes.map(({ service }) => service).toSorted());
});

test('a service has its address, its units as labels, its own volume and its own program', (t) => {
  for (const box of boxes) {
    const service = file.services[box.service]!;
    t.is(service.networks?.fleet.ipv4_address, box.address, box.service);
    t.deepEqual(service.labels?.['flotilla.instance']?.split(' ').toSorted(), box.units.toSorted(), box.service);
    t.deepEqual(service.volumes, [`${box.service}:${COMPOSE_HOME}`]);
    const told = service.command.at(-1)!;
    const home = homeLayout(COMPOSE_HOME);
    t.true([box.node, ...filesOf(box, home)].includes(told), `${box.service}: ${told}`);
  }
});

test('runtimes are tuned as on one machine', (t) => {
  for (const box of boxes) {
    const service = file.services[box.service]!;
    const [actor] = box.actors;
    if (actor === undefined) t.like(service.environment, natsEnvironment(), box.service);
    if (actor === undefined || box.actors.length > 1) continue;
    t.deepEqual(service.command.slice(1, -2), nodeFlags(actor.actor), box.service);
    t.deepEqual(service.environment ?? {}, nodeEnvironment(actor.actor), box.service);
  }
});

test('what is beyond three members and one server of the bus belongs to a profile', (t) => {
  const without = Object.keys(file.services).filter((name) => file.services[name]!.profiles === undefined);
  t.deepEqual(without.toSorted(), ['setup', ...boxesOf(usual).map(({ service }) => service)].toSorted());
});

test('only setup sees the volumes of others, and all of them', (t) => {
  const given = ['/dev/null:/given/audit-policy.yaml:ro', '/dev/null:/given/oidc-ca.crt:ro'];
  const all = [...given, 'setup:/flotilla', ...boxes.map(({ service }) => `${service}:/homes/${service}`)];
  for (const name of ['setup', 'setup-five', 'setup-ha'])
    t.deepEqual(file.services[name]!.volumes.toSorted(), all.toSorted(), name);
  t.deepEqual(Object.keys(file.volumes).toSorted(), ['setup', ...boxes.map(({ service }) => service)].toSorted());
});

test('nothing is privileged; what runs is restarted and tells its health', (t) => {
  for (const [name, service] of Object.entries(file.services)) {
    t.is(service.privileged, undefined, name);
    if (ONE_SHOTS.includes(name)) continue;
    t.is(service.restart, 'unless-stopped', name);
    t.truthy(service.healthcheck?.test, name);
  }
  t.true(file.services['nats']!.healthcheck!.test.join(' ').includes(`/127.0.0.1/${NATS_HEALTH_PORT} `));
});

test('only who signs certificates has the key of the authority, and nobody a credential of another', (t) => {
  const home = homeLayout(COMPOSE_HOME);
  for (const box of boxes) {
    const files = filesOf(box, home);
    const signs = box.actors.some(({ actor }) => actor === 'controller-manager');
    t.is(files.includes(home.caKeyFile), signs, box.service);
    const people = box.service.startsWith('apiserver') ? ['operator', 'observer'] : [];
    const own = [...box.actors.map(({ instance }) => instance), ...people].map((name) => home.seedFile(name));
    t.deepEqual(files.filter((path) => path.endsWith('.seed')).toSorted(), own.toSorted(), box.service);
  }
});
