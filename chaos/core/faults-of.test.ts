// Shows which faults a wish becomes, once it is known what its words mean.
import test from 'ava';
import { seededChance } from '../../lib/base/chance.ts';
import type { Target } from '../contract.ts';
import { faultsOf } from './faults-of.ts';
import type { FaultWish } from './scenario.ts';
import { resolveTargets } from './targets.ts';

const member = (number: number, role: string): Target => ({
  name: `store-${number}`,
  role: 'store',
  state: 'running',
  store: { role, term: 3, commit: 9, applied: 9 },
});
const TARGETS: Target[] = [
  member(1, 'follower'),
  member(2, 'leader'),
  member(3, 'follower'),
  { name: 'kubelet-node-2', role: 'kubelet', node: 'node-2', state: 'running' },
];
const of = (wish: FaultWish): unknown => faultsOf(wish, (word) => resolveTargets(TARGETS, word, seededChance(1)));

test('the leader is who leads now, a role is all of them', (t) => {
  t.deepEqual(of({ fault: 'kill', target: 'leader' }), [{ type: 'kill', unit: 'store-2' }]);
  t.is((of({ fault: 'pause', target: 'store' }) as unknown[]).length, 3);
});

test('a node dies or is cut off as one, not process by process', (t) => {
  t.deepEqual(of({ fault: 'kill', target: 'node/node-2' }), [{ type: 'kill-node', node: 'node-2' }]);
  t.deepEqual(of({ fault: 'cut', target: 'node/node-2' }), [{ type: 'cut-node', node: 'node-2' }]);
  t.throws(() => of({ fault: 'cut', target: 'leader' }), { message: /only a node can be cut/ });
});

test('the leader is parted from all others, never from itself', (t) => {
  t.deepEqual(of({ fault: 'partition', target: 'leader', to: 'store', oneWay: true }), [
    { type: 'partition', from: 'store-2', to: 'store-1', oneWay: true },
    { type: 'partition', from: 'store-2', to: 'store-3', oneWay: true },
  ]);
  t.throws(() => of({ fault: 'partition', target: 'leader', to: 'leader' }), { message: /both sides/ });
});

test('what actors do to themselves keeps its figures', (t) => {
  t.deepEqual(of({ fault: 'slow-disk', target: 'leader', delayMs: 300 }), [
    { type: 'disk', instance: 'store-2', disk: { slowMs: 300 } },
  ]);
  t.deepEqual(of({ fault: 'drop', target: 'store/1', subject: 'raft.>', direction: 'in', probability: 0.2 }), [
    {
      type: 'messages',
      instance: 'store-1',
      rule: { action: 'drop', subject: 'raft.>', direction: 'in', probability: 0.2 },
    },
  ]);
  t.deepEqual(of({ fault: 'skew', target: 'store-3', skewMs: 60_000 }), [
    { type: 'clock', instance: 'store-3', skewMs: 60_000 },
  ]);
});
