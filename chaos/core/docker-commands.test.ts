// Shows which docker commands break a container and which heal it, and that healing what is whole does nothing.
import test from 'ava';
import type { Container } from './containers.ts';
import { breakingCommands, handCommand, healingCommands, type ContainerFault } from './docker-commands.ts';

const place = { network: 'shop_fleet', address: '172.30.64.102' };
const container = (parts: Partial<Container> = {}): Container => ({
  id: 'c1',
  image: 'sha256:1',
  project: 'shop',
  directory: '/src',
  service: 'store-1',
  units: ['store-1'],
  state: 'running',
  volume: 'shop_store-1',
  networks: ['shop_fleet'],
  published: [],
  ...parts,
});
const node = (parts: Partial<Container> = {}): Container =>
  container({ service: 'node-2', units: ['kubelet-node-2'], node: 'node-2', volume: 'shop_node-2', ...parts });

const lines = (commands: string[][]): string[] => commands.map((argv) => argv.join(' '));

/** Each fault, the container before and after it. */
const CASES: Array<[ContainerFault, Container, string[], Container, string[]]> = [
  [
    { type: 'kill', unit: 'store-1' },
    container(),
    ['docker kill c1'],
    container({ state: 'stopped' }),
    ['docker start c1'],
  ],
  [
    { type: 'kill', unit: 'store-1' },
    container({ state: 'paused' }),
    ['docker unpause c1', 'docker kill c1'],
    container({ state: 'stopped' }),
    ['docker start c1'],
  ],
  [
    { type: 'pause', unit: 'store-1' },
    container(),
    ['docker pause c1'],
    container({ state: 'paused' }),
    ['docker unpause c1'],
  ],
  [
    { type: 'restart', unit: 'store-1' },
    container(),
    ['docker restart --time 30 c1'],
    container({ state: 'stopped' }),
    ['docker start c1'],
  ],
  [{ type: 'kill-node', node: 'node-2' }, node(), ['docker kill c1'], node({ state: 'stopped' }), ['docker start c1']],
  [
    { type: 'cut-node', node: 'node-2' },
    node(),
    ['docker network disconnect shop_fleet c1'],
    node({ networks: [] }),
    ['docker network connect --ip 172.30.64.102 --alias node-2 shop_fleet c1'],
  ],
];

for (const [fault, before, breaking, after, healing] of CASES)
  test(`${fault.type} of one that is ${before.state}: ${breaking.join(', ')}; healed by ${healing.join(', ')}`, (t) => {
    t.deepEqual(lines(breakingCommands(fault, before, place)), breaking);
    t.deepEqual(lines(healingCommands(fault, after, place)), healing);
    // Healed by somebody else, or never done.
    const whole = { ...before, state: 'running' as const };
    t.deepEqual(healingCommands(fault, whole, place), []);
  });

test('what is so already is not done again', (t) => {
  t.deepEqual(breakingCommands({ type: 'pause', unit: 'store-1' }, container({ state: 'paused' }), place), []);
  t.deepEqual(breakingCommands({ type: 'cut-node', node: 'node-2' }, node({ networks: [] }), place), []);
});

test('healing one fault leaves another one alone', (t) => {
  t.deepEqual(healingCommands({ type: 'pause', unit: 'store-1' }, container({ state: 'stopped' }), place), []);
  t.deepEqual(healingCommands({ type: 'kill', unit: 'store-1' }, container({ state: 'paused' }), place), []);
  const cutAndDead = node({ networks: [], state: 'stopped' });
  t.deepEqual(lines(healingCommands({ type: 'kill-node', node: 'node-2' }, cutAndDead, place)), ['docker start c1']);
});

test("chaos's own container sees the owner's credential, stores and supervisors, and may do nothing else", (t) => {
  const apiserver = container({
    service: 'apiserver',
    units: ['apiserver-1'],
    volume: 'shop_apiserver',
    image: 'sha256:2',
  });
  const scheduler = container({ service: 'scheduler-1', units: ['scheduler-1'], volume: 'shop_scheduler-1' });
  const plan = {
    name: 'shop_chaos_1',
    network: 'shop_fleet',
    containers: [container(), scheduler, apiserver, node()],
    program: ['node', 'hand.ts'],
  };
  t.deepEqual(handCommand(plan).join(' ').split(' --'), [
    'docker run',
    'interactive',
    'rm',
    'read-only',
    'tmpfs /tmp',
    'cap-drop ALL',
    'security-opt=no-new-privileges:true',
    'name=shop_chaos_1',
    'label=flotilla.chaos=shop',
    'network=shop_fleet',
    'volume=shop_apiserver:/flotilla:ro',
    'volume=shop_store-1:/homes/store-1',
    'volume=shop_node-2:/homes/node-2:ro sha256:2 node hand.ts',
  ]);
  t.throws(() => handCommand({ ...plan, containers: [scheduler] }), { message: /no container of an API actor/ });
});
