// Shows what each fault makes actors do to themselves: a partition takes exactly what passes between two of them.
import test from 'ava';
import { fateOf, type SeenMessage } from '../../lib/actor/faults/fate.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { Fault } from '../contract.ts';
import { ordersOf, speakToEachOther } from './orders.ts';

const c = 'c1';
const append = (from: string, to: string): string => subjectOf(c, 'raft', { to, from, type: 'append' });

/** Whether what `from` says on the subject gets through to `to`, under what both do to themselves. */
function arrives(fault: Fault, subject: string, from: string, to: string, more: Partial<SeenMessage> = {}): boolean {
  const rules = (instance: string) =>
    ordersOf(fault).flatMap((order) => (order.instance === instance ? (order.faults.messages ?? []) : []));
  const message = { subject, isAnswer: false, data: {}, ...more };
  const lost = (instance: string, direction: 'in' | 'out'): boolean =>
    fateOf(rules(instance), { ...message, direction }, seededChance(1)).length === 0;
  return !lost(from, 'out') && !lost(to, 'in');
}

const both: Fault = { type: 'partition', from: 'store-1', to: 'store-2', oneWay: false };
const oneWay: Fault = { ...both, oneWay: true };

test('both ways nothing passes between the two, and everything else does', (t) => {
  t.false(arrives(both, append('store-1', 'store-2'), 'store-1', 'store-2'));
  t.false(arrives(both, append('store-2', 'store-1'), 'store-2', 'store-1'));
  t.true(arrives(both, append('store-1', 'store-3'), 'store-1', 'store-3'));
  t.true(arrives(both, append('store-3', 'store-2'), 'store-3', 'store-2'));
});

test('one way only what the first says is lost', (t) => {
  t.false(arrives(oneWay, append('store-1', 'store-2'), 'store-1', 'store-2'));
  t.true(arrives(oneWay, append('store-2', 'store-1'), 'store-2', 'store-1'));
});

test('of a request, the question goes one way and the answer the other', (t) => {
  const subject = subjectOf(c, 'storeWrite', { member: 'store-1', from: 'apiserver-1' });
  const toStore: Fault = { type: 'partition', from: 'apiserver-1', to: 'store-1', oneWay: true };
  const toApi: Fault = { type: 'partition', from: 'store-1', to: 'apiserver-1', oneWay: true };
  t.false(arrives(toStore, subject, 'apiserver-1', 'store-1'));
  t.true(arrives(toStore, subject, 'store-1', 'apiserver-1', { isAnswer: true }));
  t.true(arrives(toApi, subject, 'apiserver-1', 'store-1'));
  t.false(arrives(toApi, subject, 'store-1', 'apiserver-1', { isAnswer: true }));
});

test('a request to any API actor is lost at the one that is parted, and so is its answer', (t) => {
  const subject = subjectOf(c, 'apiRequest', { from: 'scheduler-1' });
  const parted: Fault = { type: 'partition', from: 'scheduler-1', to: 'apiserver-1', oneWay: false };
  t.false(arrives(parted, subject, 'scheduler-1', 'apiserver-1'));
  t.true(arrives(parted, subject, 'scheduler-1', 'apiserver-2'));
  const answers: Fault = { type: 'partition', from: 'apiserver-1', to: 'scheduler-1', oneWay: true };
  t.true(arrives(answers, subject, 'scheduler-1', 'apiserver-1'));
  t.false(arrives(answers, subject, 'apiserver-1', 'scheduler-1', { isAnswer: true }));
});

test('events are lost to the one listener, by the name of who says them', (t) => {
  const parted: Fault = { type: 'partition', from: 'apiserver-1', to: 'kubelet-node-1', oneWay: true };
  const subject = subjectOf(c, 'nodePods', { node: 'node-1' });
  const saidBy = (apiserver: string) => ({ data: { apiserver } });
  t.false(arrives(parted, subject, 'apiserver-1', 'kubelet-node-1', saidBy('apiserver-1')));
  t.true(arrives(parted, subject, 'apiserver-2', 'kubelet-node-1', saidBy('apiserver-2')));
  t.true(arrives(parted, subject, 'apiserver-1', 'dashboard-1', saidBy('apiserver-1')));
  const committed = subjectOf(c, 'storeCommitted', { member: 'store-2' });
  const fromStore: Fault = { type: 'partition', from: 'store-2', to: 'apiserver-1', oneWay: true };
  t.false(arrives(fromStore, committed, 'store-2', 'apiserver-1'));
  t.true(arrives(fromStore, committed, 'store-2', 'apiserver-2'));
});

test('a call to a kubelet and its stream are lost', (t) => {
  const parted: Fault = { type: 'partition', from: 'apiserver-1', to: 'kubelet-node-1', oneWay: false };
  const open = subjectOf(c, 'kubeletOpen', { node: 'node-1', verb: 'logs', from: 'apiserver-1' });
  t.false(arrives(parted, open, 'apiserver-1', 'kubelet-node-1'));
  const frame = subjectOf(c, 'stream', { to: 'apiserver-1', from: 'kubelet-node-1', id: 'x' });
  t.false(arrives(parted, frame, 'kubelet-node-1', 'apiserver-1'));
});

test('who never speaks cannot be parted', (t) => {
  for (const [a, b] of [
    ['store', 'store'],
    ['store', 'apiserver'],
    ['apiserver', 'scheduler'],
    ['kubelet', 'apiserver'],
    ['dns', 'apiserver'],
  ] as const)
    t.true(speakToEachOther(a, b) && speakToEachOther(b, a), `${a} ${b}`);
  for (const [a, b] of [
    ['store', 'scheduler'],
    ['kubelet', 'kube-proxy'],
    ['scheduler', 'controller-manager'],
    ['containerd', 'kubelet'],
    ['nats-server', 'store'],
  ] as const)
    t.false(speakToEachOther(a, b), `${a} ${b}`);
});

test('processes, nodes and bits are nothing that actors do to themselves', (t) => {
  for (const fault of [
    { type: 'kill', unit: 'store-1' },
    { type: 'cut-node', node: 'node-1' },
    { type: 'bit-flip', instance: 'store-1', chance: 0.5 },
  ] satisfies Fault[])
    t.deepEqual(ordersOf(fault), []);
});
