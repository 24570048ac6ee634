// Shows that what the core says arrives as it was said, and that nothing else gets through. Never needs a real bus.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import { encodeConfiguration, simpleConfiguration } from '../core/configuration.ts';
import type { Message, MessageBody } from '../core/types.ts';
import { decodeMessage } from './decode-message.ts';
import { encodeMessage } from './encode-message.ts';
import { createRaftTransport, type RaftTransport } from './transport.ts';

const CLUSTER = 'c1';
const header = { version: 1, clusterId: 'k-1', from: 'store-1', to: 'store-2', term: 7 };
const expected = { clusterId: 'k-1', id: 'store-2', from: 'store-1' };
const configuration = simpleConfiguration(['store-1', 'store-2']);
const snapshot = { index: 5, term: 3, configuration, sizeBytes: 10, hash: 'abc' };

const BODIES: MessageBody[] = [
  { type: 'preVote', proposedTerm: 8, lastIndex: 4, lastTerm: 2 },
  { type: 'preVoteAnswer', proposedTerm: 8, granted: true },
  { type: 'vote', lastIndex: 4, lastTerm: 2, transfer: false },
  { type: 'voteAnswer', granted: false },
  {
    type: 'append',
    prevIndex: 4,
    prevTerm: 2,
    commit: 3,
    quiet: false,
    entries: [
      { index: 5, term: 2, kind: 'data', data: new Uint8Array([1, 2]) },
      { index: 6, term: 7, kind: 'empty', data: new Uint8Array() },
      { index: 7, term: 7, kind: 'configuration', data: encodeConfiguration(configuration) },
    ],
  },
  { type: 'appendAnswer', incarnation: 2, outcome: { accepted: true, match: 7 } },
  { type: 'appendAnswer', incarnation: 2, outcome: { accepted: false, prevIndex: 4, hintIndex: 3, hintTerm: 1 } },
  { type: 'heartbeat', commit: 3, round: 9, life: 2 },
  { type: 'rejoin', nonce: 77, incarnation: 3 },
  { type: 'rejoinAnswer', nonce: 77, doubt: 'copied', lastIndex: 9, lastTerm: 3, incarnation: 12, through: 10 },
  { type: 'stateHashes', hashes: [{ index: 7, hash: 'ab' }] },
  { type: 'stateHashes', hashes: [{ index: 7, hash: 'ab', rest: 'cd' }] },
  { type: 'heartbeatAnswer', incarnation: 2, round: 9 },
  { type: 'snapshotChunk', snapshot, offset: 4, data: new Uint8Array([1, 2, 3]) },
  { type: 'snapshotChunkAnswer', incarnation: 1, snapshotIndex: 5, nextOffset: 7, seek: false, installed: false },
  { type: 'timeoutNow' },
];
const messages = BODIES.map((body): Message => ({ ...header, ...body }));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function pair(): { network: MemoryNetwork; one: RaftTransport; two: RaftTransport; heard: Message[] } {
  const network = new MemoryNetwork();
  const heard: Message[] = [];
  const create = (id: string): RaftTransport =>
    createRaftTransport({
      bus: network.connect(id),
      cluster: CLUSTER,
      clusterId: 'k-1',
      id,
      receive: (message) => heard.push(message),
      payloadBytes: 10_000,
    });
  return { network, one: create('store-1'), two: create('store-2'), heard };
}

test('every message arrives as it was said', async (t) => {
  const { one, two, heard } = pair();
  for (const message of messages) one.send(message);
  await turn();
  await turn();
  const plain = (list: Message[]): unknown =>
    JSON.parse(JSON.stringify(list, (_, v) => (v?.type === 'Buffer' ? v.data : v instanceof Uint8Array ? [...v] : v)));
  t.deepEqual(plain(heard), plain(messages));
  t.is(one.counts.sent, messages.length);
  t.is(two.counts.received, messages.length);
  t.deepEqual(two.counts.dropped, { malformed: 0, foreignCluster: 0, wrongSender: 0 });
});

test('foreign, misdirected and forged messages are dropped and counted', async (t) => {
  const { network, two, heard } = pair();
  const bus = network.connect('store-1');
  const subject = subjectOf(CLUSTER, 'raft', { to: 'store-2', from: 'store-1', type: 'timeoutNow' });
  bus.publish(subject, encodeMessage({ ...header, type: 'timeoutNow', clusterId: 'k-2' }));
  bus.publish(subject, encodeMessage({ ...header, type: 'timeoutNow', version: 0 }));
  const own = subjectOf(CLUSTER, 'raft', { to: 'store-2', from: 'store-2', type: 'timeoutNow' });
  bus.publish(own, encodeMessage({ ...header, type: 'timeoutNow' }));
  bus.publish(subject, 'hello');
  await turn();
  await turn();
  t.deepEqual(heard, []);
  t.deepEqual(two.counts.dropped, { malformed: 2, foreignCluster: 1, wrongSender: 1 });
});

test('a message that the bus would refuse is counted, not thrown', (t) => {
  const { one } = pair();
  const data = new Uint8Array(20_000);
  one.send({
    ...header,
    type: 'append',
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    quiet: false,
    entries: [{ index: 1, term: 7, kind: 'data', data }],
  });
  t.is(one.counts.unsent, 1);
  t.regex(one.counts.lastTrouble, /append to store-2: \d+ bytes are more than the bus takes/);
});

test('nothing is heard after stop', async (t) => {
  const { one, two, heard } = pair();
  two.stop();
  one.send(messages[0]!);
  await turn();
  t.deepEqual(heard, []);
});

const decoded = (message: Message, change: (list: unknown[]) => unknown = (list) => list): unknown =>
  decodeMessage(change(encodeMessage(message)), { ...expected, type: message.type });

test('a missing or wrong field makes a message malformed; one more, of a newer version, does not', (t) => {
  for (const message of messages) {
    const { length } = encodeMessage(message);
    for (let i = 0; i < length; i++) {
      const what = `${message.type} with a wrong value at ${i}`;
      t.is(
        decoded(message, (list) => list.slice(0, i)),
        'malformed',
        `${message.type} without what is behind ${i}`,
      );
      t.is(
        decoded(message, (list) => list.with(i, -1.5)),
        'malformed',
        what,
      );
    }
    t.deepEqual(
      decoded(message, (list) => [...list, 'more']),
      decoded(message),
      message.type,
    );
  }
});

test('entries must follow one another', (t) => {
  const append = messages.find((message) => message.type === 'append')!;
  const of = (...entries: unknown[]): unknown => decoded(append, (list) => list.with(5, entries));
  const data = new Uint8Array();
  t.is(of(1, 0, data), 'malformed');
  t.is(of(8, 0, data), 'malformed');
  t.is(of(7, 0, data, 2, 0, data), 'malformed');
  t.is(of(2, 3, data), 'malformed');
  t.is(of(2, 1, data), 'malformed');
  t.is(of(2, 0, 'text'), 'malformed');
  t.is(of(2, 0), 'malformed');
  t.like(of(2, 0, data), { entries: [{ index: 5, term: 2, kind: 'data', data }] });
});

test('no input makes the decoder throw', (t) => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...messages), fc.nat(9), (junk, message, at) => {
      decoded(message, () => junk);
      for (const [i] of encodeMessage(message).entries()) decoded(message, (list) => list.with(i, junk));
      decoded(message, (list) => [...list.slice(0, at), junk]);
    }),
    { numRuns: 500 },
  );
  t.pass();
});
