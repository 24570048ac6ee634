// The queues of a member without the member: who is answered what, and when.
import test from 'ava';
import type { Clock } from '../../../lib/base/clock.ts';
import type {
  StoreQueryReply,
  StoreRefusal,
  StoreWrite,
  StoreWriteReply,
  TxnResult,
} from '../../../lib/bus/messages.ts';
import { packWrite } from '../../../lib/bus/packed.ts';
import { decodeCommand } from '../core/command.ts';
import { Leadership } from './leadership.ts';
import { Proposals } from './proposals.ts';
import { Reads } from './reads.ts';

function fakeClock(): Clock & { at: number } {
  const clock = { at: 0, now: () => clock.at, monotonic: () => clock.at, timer: () => ({ cancel() {} }) };
  return clock;
}

function leading(clock: Clock): Leadership {
  const leadership = new Leadership('store-1', clock);
  leadership.changed('store-1', true);
  return leadership;
}

const write = (sequence: number, bytes = 10): StoreWrite => ({
  session: 's',
  acknowledged: 0,
  txns: [
    {
      sequence,
      compares: [],
      operations: [{ type: 'put', key: `k${sequence}`, value: new Uint8Array(bytes) }],
      cause: { span: 's', actor: 'a' },
    },
  ],
});

const done = (sequence: number): TxnResult[] => [{ sequence, ok: true, revision: sequence }];

function proposals() {
  const clock = fakeClock();
  const leadership = leading(clock);
  const proposed: { id: number; data: Uint8Array }[] = [];
  const queue = new Proposals(clock, leadership, (id, data) => {
    proposed.push({ id, data });
    queue.decided({ type: 'proposalAccepted', proposalId: id, firstIndex: 100 + id, term: 3 });
  });
  const replies: StoreWriteReply[] = [];
  const add = (each: StoreWrite): void => queue.add(packWrite(each), (reply) => void replies.push(reply));
  const entry = (id: number, term = 3) => ({
    index: 100 + id,
    term,
    kind: 'data' as const,
    data: proposed[id - 1]!.data,
  });
  return { clock, leadership, proposed, queue, replies, add, entry };
}

const writesIn = (data: Uint8Array): number => {
  const command = decodeCommand(data);
  return command.type === 'writes' ? command.writes.length : 0;
};

test('writes of one turn are one entry; when four are in flight, what comes waits and shares the next', async (t) => {
  const { proposed, queue, add, entry } = proposals();
  for (let i = 1; i <= 5; i++) add(write(i));
  await Promise.resolve();
  t.deepEqual(
    proposed.map(({ data }) => writesIn(data)),
    [5],
  );
  for (let i = 6; i <= 20; i++) {
    add(write(i));
    await Promise.resolve();
  }
  t.deepEqual(
    proposed.map(({ data }) => writesIn(data)),
    [5, 1, 1, 1],
  );
  queue.applied(entry(1), { results: [1, 2, 3, 4, 5].map(done) });
  await Promise.resolve();
  t.deepEqual(
    proposed.map(({ data }) => writesIn(data)),
    [5, 1, 1, 1, 12],
  );
});

test('an entry of another term at the index of a proposal means that it is lost: its writers are not told that it is done', async (t) => {
  const { queue, add, entry, replies } = proposals();
  add(write(1));
  await Promise.resolve();
  queue.applied(entry(1, 4), { results: [done(1)] });
  t.like(replies[0], { refused: 'notLeader' });
});

test('a write that is not decided in time is answered, and its entry still counts when it comes', async (t) => {
  const { clock, queue, add, entry, replies } = proposals();
  add(write(1));
  await Promise.resolve();
  clock.at = 2_999;
  queue.tick(clock.at);
  t.is(replies.length, 0);
  clock.at = 3_000;
  queue.tick(clock.at);
  t.like(replies[0], { refused: 'noQuorum' });
  queue.applied(entry(1), { results: [done(1)] });
  t.is(replies.length, 1);
});

test('when leadership ends, everything that waits is refused at once, with the new leader if there is one', async (t) => {
  const { leadership, queue, add, replies } = proposals();
  for (let i = 1; i <= 6; i++) {
    add(write(i));
    await Promise.resolve();
  }
  leadership.changed('', false);
  queue.abandon();
  t.is(replies.length, 6);
  t.true(replies.every((reply) => 'refused' in reply && reply.refused === 'noQuorum' && reply.leader === ''));
});

test('more waiting bytes than the bound are refused as overload, not kept', (t) => {
  const { queue, replies, add, proposed } = proposals();
  void queue;
  for (let i = 1; i <= 20; i++) add(write(i, 2_000_000));
  t.like(replies[0], { refused: 'overloaded' });
  t.is(proposed.length, 0);
});

test('a read is answered when the state has reached what was committed as it was asked, not before', (t) => {
  const clock = fakeClock();
  const state = { appliedIndex: 4, revision: 40 };
  const asked: number[] = [];
  const reads = new Reads(
    clock,
    leading(clock),
    (id) => void asked.push(id),
    () => state,
  );
  const replies: StoreQueryReply[] = [];
  reads.add((reply) => void replies.push(reply));
  reads.ready(asked[0]!, 5);
  t.is(replies.length, 0);
  Object.assign(state, { appliedIndex: 5, revision: 50 });
  reads.applied();
  t.deepEqual(replies, [{ readIndex: { revision: 50, index: 5 } }]);
  reads.add((reply) => void replies.push(reply));
  clock.at = 3_000;
  reads.tick(clock.at);
  t.like(replies[1], { refused: 'noQuorum' });
  reads.ready(asked[1]!, 5);
  t.is(replies.length, 2);
});

test('a request waits out an election, is sent on when another leads, and is refused at once when there is no quorum', (t) => {
  const clock = fakeClock();
  const leadership = new Leadership('store-1', clock);
  const seen: string[] = [];
  const ask = (name: string): void =>
    leadership.ask({
      proceed: () => seen.push(`${name} proceeds`),
      refuse: (refusal: StoreRefusal) => seen.push(`${name} ${refusal.refused} ${refusal.leader}`),
    });
  ask('a');
  t.deepEqual(seen, []);
  leadership.changed('store-2', false);
  ask('b');
  t.deepEqual(seen.splice(0), ['a notLeader store-2', 'b notLeader store-2']);
  leadership.changed('', false);
  ask('c');
  leadership.changed('store-1', true);
  t.deepEqual(seen.splice(0), ['c proceeds']);
  leadership.changed('', false);
  ask('d');
  clock.at += 1_200;
  leadership.tick(clock.at);
  t.deepEqual(seen.splice(0), ['d noQuorum ']);
  clock.at += 1_400;
  ask('e');
  t.deepEqual(seen, ['e noQuorum ']);
});
