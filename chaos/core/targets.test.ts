// Shows what each word for a target means, and what is said where it means nothing.
import test from 'ava';
import { seededChance } from '../../lib/base/chance.ts';
import type { Target } from '../contract.ts';
import { resolveTargets, TargetError } from './targets.ts';

const member = (number: number, role: string, term: number, more: Partial<Target> = {}): Target => ({
  name: `store-${number}`,
  role: 'store',
  state: 'running',
  store: { role, term, commit: 9, applied: 9 },
  ...more,
});
const onNode = (role: string, node: string): Target => ({ name: `${role}-${node}`, role, node, state: 'running' });
const CLUSTER: Target[] = [
  { name: 'nats', role: 'nats-server', state: 'running' },
  member(1, 'follower', 4),
  member(2, 'leader', 4),
  member(3, 'follower', 4),
  { name: 'apiserver-1', role: 'apiserver', state: 'running' },
  { name: 'apiserver-2', role: 'apiserver', state: 'running' },
  { name: 'controller-manager-1', role: 'controller-manager', state: 'running' },
  ...['node-1', 'node-12'].flatMap((node) => ['containerd', 'kubelet', 'kube-proxy'].map((role) => onNode(role, node))),
];
const names = (text: string, targets = CLUSTER, seed = 1): string =>
  resolveTargets(targets, text, seededChance(seed))
    .map(({ name }) => name)
    .join(' ');

for (const [text, meant] of [
  ['store/1', 'store-1'],
  ['store-1', 'store-1'],
  ['store', 'store-1 store-2 store-3'],
  ['leader', 'store-2'],
  ['apiserver', 'apiserver-1 apiserver-2'],
  ['apiserver/2', 'apiserver-2'],
  ['controller-manager', 'controller-manager-1'],
  ['kubelet/node-1', 'kubelet-node-1'],
  ['kubelet/12', 'kubelet-node-12'],
  ['kube-proxy', 'kube-proxy-node-1 kube-proxy-node-12'],
  ['node/node-12', 'containerd-node-12 kubelet-node-12 kube-proxy-node-12'],
  ['node/1', 'containerd-node-1 kubelet-node-1 kube-proxy-node-1'],
  ['nats', 'nats'],
  ['nats-server', 'nats'],
  ['leader, apiserver/1,store/2', 'store-2 apiserver-1'],
  ['all', CLUSTER.map(({ name }) => name).join(' ')],
] as const)
  test(`${text} is ${meant.slice(0, 60)}`, (t) => t.is(names(text), meant));

test('of several followers, or of a role, chance chooses one, and the same chance the same', (t) => {
  const seen = (text: string): string[] =>
    [...new Set(Array.from({ length: 40 }, (_, seed) => names(text, CLUSTER, seed)))].toSorted();
  t.deepEqual(seen('follower'), ['store-1', 'store-3']);
  t.deepEqual(seen('apiserver/any'), ['apiserver-1', 'apiserver-2']);
  t.is(names('follower', CLUSTER, 5), names('follower', CLUSTER, 5));
});

test('a member that was cut off may think that it leads: the one with the higher term does', (t) => {
  t.is(names('leader', [member(1, 'leader', 3), member(2, 'leader', 5), member(3, 'follower', 5)]), 'store-2');
});

for (const [text, said] of [
  [
    'store/9',
    /no target "store\/9": there are nats, store\/1\|2\|3, apiserver\/1\|2, .*node\/node-1\|node-12, leader, follower, all/,
  ],
  ['kubelet/node-2', /no target "kubelet\/node-2"/],
  ['node/2', /no target "node\/2"/],
  ['scheduler', /no target "scheduler"/],
  ['store/', /no target "store\/"/],
  ['store/1,', /a target is missing in "store\/1,"/],
  ['', /a target is missing in ""/],
] as const)
  test(`${JSON.stringify(text)} means nothing, and what there is is told`, (t) => {
    t.regex(t.throws(() => names(text), { instanceOf: TargetError }).message, said);
  });

test('where nobody leads or follows, what each member is is told', (t) => {
  const paused = member(1, 'leader', 3, { state: 'paused' });
  const { store: _, ...silent } = member(3, 'follower', 3);
  const message = t.throws(() => names('leader', [paused, member(2, 'candidate', 4), silent])).message;
  t.is(message, 'no member of the store leads now: store-1 is leader, store-2 is candidate, store-3 is silent');
  t.throws(() => names('follower', [paused]), { message: /follows now/ });
});
