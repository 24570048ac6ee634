// Holds the pure half of the network: names, addresses, the choice of blocks, the commands. Runs nothing.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { addressNumber, blockOf, overlap } from '../../lib/base/ipv4.ts';
import { chooseIndex, conflictsOf } from './choose.ts';
import { hostDevice, MAX_INDEX, planNetwork } from './plan.ts';
import { downPhases, upPhases } from './steps.ts';

const cluster = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/);
const index = fc.integer({ min: 0, max: MAX_INDEX });

test('index 0 has the usual blocks', (t) => {
  const plan = planNetwork({ cluster: 'demo', index: 0, nodes: ['node-1', 'node-2'] });
  t.is(plan.podCidr, '10.244.0.0/16');
  t.is(plan.serviceCidr, '10.96.0.0/16');
  t.is(plan.dnsIp, '10.96.0.10');
  t.is(plan.host.ip, '10.200.0.1');
  t.deepEqual(
    plan.nodes.map(({ netns, ip, podCidr }) => [netns, ip, podCidr]),
    [
      ['demo-node-1', '10.200.0.11', '10.244.1.0/24'],
      ['demo-node-2', '10.200.0.12', '10.244.2.0/24'],
    ],
  );
});

test('blocks of two clusters never overlap, nor do those of one', (t) => {
  fc.assert(
    fc.property(index, index, (a, b) => {
      const blocks = (i: number) => {
        const plan = planNetwork({ cluster: 'c', index: i, nodes: [] });
        return [plan.fabric.cidr, plan.podCidr, plan.serviceCidr].map((cidr) => blockOf(cidr)!);
      };
      const all = a === b ? blocks(a) : [...blocks(a), ...blocks(b)];
      return all.every((one, i) => all.every((two, j) => i === j || !overlap(one, two)));
    }),
  );
  t.pass();
});

test('every interface name fits into 15 characters and long names stay apart', (t) => {
  fc.assert(fc.property(cluster, (name) => hostDevice(name).length <= 15));
  t.not(hostDevice('production-europe-1'), hostDevice('production-europe-2'));
  const plan = planNetwork({ cluster: 'c', index: 3, nodes: Array.from({ length: 240 }, (_, i) => `node-${i + 1}`) });
  t.true(plan.nodes.every((node) => node.port.length <= 15 && addressNumber(node.ip) !== undefined));
  t.is(new Set(plan.nodes.map((node) => node.ip)).size, 240);
});

test('a choice avoids what is taken, but not its own leftovers or default routes', (t) => {
  const taken = [
    { cidr: 'default', device: 'eth0' },
    { cidr: '0.0.0.0/1', device: 'tun0' },
    { cidr: '192.0.2.0/24', device: 'eth0' },
  ];
  t.is(chooseIndex('demo', taken), 0);
  t.is(chooseIndex('demo', [...taken, { cidr: '10.244.7.0/24', device: 'other' }]), 1);
  t.is(chooseIndex('demo', [...taken, { cidr: '10.200.0.0/24', device: hostDevice('demo') }]), 0);
  t.is(chooseIndex('demo', [{ cidr: '10.96.0.0/12', device: 'x' }]), 16);
  t.is(chooseIndex('demo', taken, 5), 5);
  t.throws(() => chooseIndex('demo', [{ cidr: '10.0.0.0/8', device: 'vpn' }]), {
    message: /taken.*10\.0\.0\.0\/8 on vpn/,
  });
});

test('a chosen index has no conflicts', (t) => {
  const block = fc.tuple(
    fc.integer({ min: 90, max: 250 }),
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 12, max: 28 }),
  );
  fc.assert(
    fc.property(fc.array(block, { maxLength: 6 }), (blocks) => {
      const taken = blocks.map(([a, b, bits]) => ({ cidr: `10.${a}.${b}.0/${bits}`, device: 'x' }));
      try {
        return conflictsOf('c', chooseIndex('c', taken), taken).length === 0;
      } catch (error) {
        return String(error).includes('no free network');
      }
    }),
  );
  t.pass();
});

test('bad names and numbers are refused with their value', (t) => {
  for (const name of ['', 'Demo', 'a b', 'a;rm', '-a', 'x'.repeat(41)])
    t.throws(() => planNetwork({ cluster: name, index: 0, nodes: [] }), {
      message: /cannot plan a network for cluster/,
    });
  t.throws(() => planNetwork({ cluster: 'c', index: 44, nodes: [] }), { message: /44/ });
  t.throws(() => planNetwork({ cluster: 'c', index: 0, nodes: ['a', 'a'] }), { message: /"a"/ });
  t.throws(() => planNetwork({ cluster: 'c', index: 0, nodes: ['fabric'] }), { message: /"fabric"/ });
});

test('every command is absolute, and every batch line stands in one namespace', (t) => {
  const plan = planNetwork({ cluster: 'demo', index: 0, nodes: ['node-1', 'node-2', 'node-3'] });
  const commands = [...upPhases(plan), ...downPhases(plan)].flatMap((phase) =>
    phase.steps.flatMap((step) => [...(step.doneIf ?? []), ...(step.clear ?? []), ...step.run]),
  );
  t.true(commands.length > 20);
  t.true(commands.every(({ argv }) => argv[0]!.startsWith('/usr/')));
  const node2 = commands.find(({ argv, stdin }) => argv.includes('demo-node-2') && stdin?.includes('route'));
  t.regex(
    node2!.stdin!,
    /route replace 10\.244\.1\.0\/24 via 10\.200\.0\.11 dev eth0\nroute replace 10\.244\.3\.0\/24/,
  );
});
