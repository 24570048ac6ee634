// Shows which messages a rule concerns, what becomes of them, and who is taken for the other end of each subject.
import test from 'ava';
import { seededChance } from '../../base/chance.ts';
import type { MessageRule } from '../../bus/messages.ts';
import { subjectOf } from '../../bus/subjects.ts';
import { endsOf } from './ends.ts';
import { DEFAULT_DELAY_MS, fateOf, type SeenMessage } from './fate.ts';

const append = subjectOf('c.1', 'raft', { to: 'store-2', from: 'store-1', type: 'append' });
const write = subjectOf('c1', 'storeWrite', { member: 'store-1', from: 'apiserver-2' });
const drop = (more: Partial<MessageRule> = {}): MessageRule => ({ subject: '>', action: 'drop', ...more });
const out = (subject: string, more: Partial<SeenMessage> = {}): SeenMessage => ({
  subject,
  direction: 'out',
  isAnswer: false,
  data: {},
  ...more,
});
const fate = (rules: MessageRule[], message: SeenMessage, seed = 1) => fateOf(rules, message, seededChance(seed));

test('a message that no rule concerns arrives once and at once', (t) => {
  t.deepEqual(fate([], out(append)), [0]);
  t.deepEqual(
    fate([drop({ subject: 'store.>' }), drop({ direction: 'in' }), drop({ peer: 'store-3' })], out(append)),
    [0],
  );
});

test('the pattern stands after the cluster, whose name may hold dots', (t) => {
  for (const subject of ['raft.>', 'raft.store-2.*.append', '>', 'raft.store-2.store-1.append'])
    t.deepEqual(fate([drop({ subject })], out(append)), [], subject);
  for (const subject of ['raft', 'raft.*', 'c1.raft.>'])
    t.deepEqual(fate([drop({ subject })], out(append)), [0], subject);
});

test('the other end is read from the subject, for a message and for its answer', (t) => {
  const seenByStore = { direction: 'in', isAnswer: false } as const;
  t.deepEqual(fate([drop({ peer: 'apiserver-2' })], out(write, seenByStore)), []);
  t.deepEqual(fate([drop({ peer: 'store-1' })], out(write)), []);
  t.deepEqual(fate([drop({ peer: 'apiserver-2' })], out(write, { isAnswer: true })), [], 'the answer leaves the store');
  t.deepEqual(fate([drop({ peer: 'store-1' })], out(write, { direction: 'in', isAnswer: true })), [], 'and arrives');
  t.deepEqual(fate([drop({ peer: 'store-1' })], out(write, seenByStore)), [0]);
});

test('rules act one after the other', (t) => {
  const late: MessageRule = { subject: 'raft.>', action: 'delay', delayMs: 30 };
  const twice: MessageRule = { subject: 'raft.>', action: 'duplicate' };
  t.deepEqual(fate([late, twice], out(append)), [30, 30]);
  t.deepEqual(fate([twice, { ...late, delayMs: 5 }, drop()], out(append)), []);
  t.deepEqual(fate([{ subject: '>', action: 'delay' }], out(append)), [DEFAULT_DELAY_MS]);
});

test('reordered messages wait for times of their own, none longer than the most', (t) => {
  const chance = seededChance(7);
  const rule: MessageRule = { subject: '>', action: 'reorder', delayMs: 40 };
  const times = Array.from({ length: 200 }, () => fateOf([rule], out(append), chance)[0]!);
  t.true(times.every((ms) => ms >= 0 && ms <= 40));
  t.true(
    times.some((ms, i) => ms < (times[i - 1] ?? 0)),
    'some are overtaken',
  );
});

test('a probability hits its share', (t) => {
  const chance = seededChance(3);
  const lost = Array.from({ length: 2000 }, () => fateOf([drop({ probability: 0.3 })], out(append), chance)).filter(
    (each) => each.length === 0,
  ).length;
  t.true(lost > 500 && lost < 700, `${lost} of 2000`);
  t.deepEqual(fate([drop({ probability: 0 })], out(append)), [0]);
  t.deepEqual(fate([drop({ probability: 1 })], out(append)), []);
});

test('each subject of the map names its ends, where there are any', (t) => {
  const c = 'c1';
  const ends = (subject: string, message: unknown = {}) => {
    const { from, to } = endsOf(subject, message);
    return `${from ?? 'anyone'} → ${to ?? 'anyone'}`;
  };
  const told = {
    raft: ends(append),
    storeQuery: ends(subjectOf(c, 'storeQuery', { member: 'store-1', noun: 'range', from: 'apiserver-1' })),
    storeCommitted: ends(subjectOf(c, 'storeCommitted', { member: 'store-3' })),
    apiRequest: ends(subjectOf(c, 'apiRequest', { from: 'scheduler-1' })),
    nodePods: ends(subjectOf(c, 'nodePods', { node: 'node-2' }), { apiserver: 'apiserver-2' }),
    progress: ends(subjectOf(c, 'progress', {}), { apiserver: 'apiserver-1' }),
    oldEvent: ends(subjectOf(c, 'nodePods', { node: 'node-2' })),
    kubeletOpen: ends(subjectOf(c, 'kubeletOpen', { node: 'node-2', verb: 'logs', from: 'apiserver-1' })),
    stream: ends(subjectOf(c, 'stream', { to: 'apiserver-1', from: 'kubelet-node.2', id: 'x' })),
    none: ends('c1.what.is.this'),
  };
  t.deepEqual(told, {
    raft: 'store-1 → store-2',
    storeQuery: 'apiserver-1 → store-1',
    storeCommitted: 'store-3 → anyone',
    apiRequest: 'scheduler-1 → anyone',
    nodePods: 'apiserver-2 → anyone',
    progress: 'apiserver-1 → anyone',
    oldEvent: 'anyone → anyone',
    kubeletOpen: 'apiserver-1 → kubelet-node-2',
    stream: 'kubelet-node.2 → apiserver-1',
    none: 'anyone → anyone',
  });
});
