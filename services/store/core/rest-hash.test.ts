// Which difference between two states the hash of a whole state sees beyond the living keys, and that it is the same whichever way a
// member came to its state.
import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import type { Operation, StoreWrite } from '../../../lib/bus/messages.ts';
import { encodeCompact, encodeLease, encodeLimits, encodeTime, encodeWrites } from './command.ts';
import { DEFAULT_STORE_LIMITS } from './limits.ts';
import { addSession } from './rest-hash.ts';
import { encodeSnapshot, SnapshotLoader, WrongStateError } from './snapshot.ts';
import { SnapshotCheck } from './snapshot-check.ts';
import { StateMachine } from './state-machine.ts';

const cause = { span: 's', actor: 'a' };
const put = (key: string, value: string, lease?: string): Operation => ({
  type: 'put',
  key,
  value: Buffer.from(value),
  ...(lease === undefined ? {} : { lease }),
});

function write(session: string, sequence: number, operations: Operation[], more: Partial<StoreWrite> = {}): Uint8Array {
  const txns = [{ sequence, compares: [], operations, cause }];
  return encodeWrites([packWrite({ session, acknowledged: 0, txns, ...more })]);
}

const conflict = (session: string, sequence: number, revision: number): Uint8Array => {
  const txns = [{ sequence, compares: [{ key: 'a', revision }], operations: [put('a', '9')], cause }];
  return encodeWrites([packWrite({ session, acknowledged: 0, txns })]);
};

const grant = (id: string, ttlMs: number): Uint8Array =>
  encodeLease({ type: 'lease', action: 'grant', id, ttlMs, atMs: 1_000 });

/** After these entries. */
function stateOf(...entries: Uint8Array[]): StateMachine {
  const state = new StateMachine({ sessions: 2 });
  for (const entry of entries) state.apply(state.appliedIndex + 1, entry);
  return state;
}

const A = write('one', 1, [put('a', '1')]);
const B = write('one', 2, [put('a', '2')]);

const DIFFERENCES: readonly [what: string, one: Uint8Array[], other: Uint8Array[]][] = [
  ['a session', [A], [write('two', 1, [put('a', '1')])]],
  ['an answer that is remembered', [A], [write('one', 2, [put('a', '1')])]],
  ['what was answered', [A, conflict('one', 2, 0)], [A, conflict('one', 2, 7), conflict('one', 3, 0)]],
  ['why it was refused', [A, conflict('one', 2, 0)], [A, write('one', 2, [put('b', '', 'none')])]],
  [
    'what was acknowledged',
    [A, conflict('two', 1, 0)],
    [A, conflict('two', 1, 0), write('two', 1, [], { acknowledged: 1 })],
  ],
  [
    'which session was forgotten',
    [A, conflict('two', 1, 0), conflict('three', 1, 0)],
    [A, conflict('two', 1, 0), conflict('one', 2, 0), conflict('three', 1, 0)],
  ],
  ['a lease', [A, grant('l', 1_000)], [A, grant('m', 1_000)]],
  ['how long a lease lives', [A, grant('l', 1_000)], [A, grant('l', 1_001)]],
  ['the time', [A, encodeTime(1_000)], [A, encodeTime(1_001)]],
  ['which lease a key goes with', [grant('l', 1_000), A], [grant('l', 1_000), write('one', 1, [put('a', '1', 'l')])]],
  ['the limits', [A], [A, encodeLimits({ ...DEFAULT_STORE_LIMITS, sessions: 2 })]],
  [
    'an older version of a key',
    [A, B, write('one', 3, [put('a', '3')])],
    [A, write('one', 2, [put('a', '!')]), write('one', 3, [put('a', '3')])],
  ],
  ['what is compacted', [A, B], [A, B, encodeCompact(1)]],
];

test('members whose keys are the same and anything else is not have other hashes', (t) => {
  for (const [what, one, other] of DIFFERENCES) {
    const [a, b] = [stateOf(...one), stateOf(...other)];
    t.is(a.keysHash, b.keysHash, what);
    t.not(a.restHash, b.restHash, what);
  }
});

test('the hash from a snapshot is that of the state that it is of, and its bytes are checked against it', (t) => {
  for (const [what, ...entries] of DIFFERENCES)
    for (const each of entries) {
      const state = stateOf(...each);
      const slices = [...encodeSnapshot(state)];
      const loader = new SnapshotLoader({ sessions: 2 });
      const check = new SnapshotCheck();
      for (const slice of slices) {
        loader.feed(slice);
        check.feed(slice);
      }
      t.is(loader.finish().hash, state.hash, what);
      t.notThrows(() => check.finish(), what);
    }
});

test('one that says it is something else is refused by who writes it and by who is given it', (t) => {
  const spoilers: ((state: StateMachine) => void)[] = [
    ({ sessions }) => void sessions.byName.get('one')!.results.set(1, 77),
    ({ sessions }) => void (sessions.byName.get('one')!.acknowledged = 9),
    ({ sessions }) => void (sessions.forgottenThrough = 9),
    ({ leases }) => void (leases.living('l')!.ttlMs = 9),
    ({ leases }) => void (leases.timeMs = 9),
  ];
  for (const [i, spoil] of spoilers.entries()) {
    const state = stateOf(A, grant('l', 60_000), write('one', 2, [put('b', '1', 'l')]));
    const { hash } = state;
    spoil(state);
    // Of what is only counted when it changes, the sum is still the old one; what is a number is asked for each time.
    const slices = [...encodeSnapshot(state)].map((slice) => Buffer.from(slice));
    const end = slices.at(-1)!;
    end.set(Buffer.from(hash.slice(16)), end.length - 16);
    const check = new SnapshotCheck();
    const loader = new SnapshotLoader();
    for (const slice of slices) {
      check.feed(slice);
      loader.feed(slice);
    }
    t.throws(() => check.finish(), { instanceOf: WrongStateError }, `${i}`);
    t.throws(() => loader.finish(), { instanceOf: WrongStateError }, `${i}`);
  }
});

test('what an older version wrote says nothing but the hash of the keys, and is taken', (t) => {
  const state = stateOf(A, B);
  const bytes = Buffer.concat([...encodeSnapshot(state)]);
  const at = bytes.lastIndexOf(state.keysHash);
  const loader = new SnapshotLoader();
  // The last item ends behind its first text; its length is in front of its type.
  bytes[at - 3]! -= 17;
  loader.feed(bytes.subarray(0, at + 16));
  t.is(loader.finish().hash, state.hash);
});

test('a lease that is over is gone with the last key that goes with it, before the next time is written', (t) => {
  const state = stateOf(
    grant('l', 1_000),
    ...Array.from({ length: 300 }, (_, i) => write('one', i + 1, [put(`k${i}`, '', 'l')])),
  );
  state.apply(state.appliedIndex + 1, encodeTime(9_000));
  const left = state.range('', '', 1_000, 0);
  if (left === 'compacted') throw new Error('nothing was compacted');
  t.true(left.items.length > 0 && state.leases.size === 1);
  const removals = left.items.map(({ key }) => ({ type: 'delete' as const, key }));
  state.apply(state.appliedIndex + 1, write('one', 301, removals));
  t.is(state.leases.size, 0);
});

test('the sum over all sessions is what they are one by one, however they came and went', (t) => {
  const state = new StateMachine({ sessions: 3, resultsPerSession: 4 });
  for (let i = 1; i <= 200; i++) {
    const session = `s${(i * 7) % 5}`;
    const known = state.sessions.byName.get(session);
    const acknowledged = known === undefined ? 0 : i % 3 === 0 ? i - 20 : 0;
    const more = { acknowledged: Math.max(0, acknowledged), since: state.appliedIndex };
    state.apply(
      state.appliedIndex + 1,
      i % 4 === 0 ? conflict(session, i, 1) : write(session, i, [put('a', `${i}`)], more),
    );
    const sum = { low: 0, high: 0 };
    for (const each of state.sessions.byName.values()) addSession(sum, each);
    t.deepEqual(state.sessions.hash, sum, `after ${i}`);
  }
  t.true(state.sessions.forgottenThrough > 0);
});
