// A snapshot that says what it is passes; one of a state in which a single byte is another one does not.
import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import { encodeCompact, encodeLease, encodeWrites } from './command.ts';
import { encodeSnapshot, WrongStateError } from './snapshot.ts';
import { SnapshotCheck } from './snapshot-check.ts';
import { StateMachine } from './state-machine.ts';

const cause = { span: 's', actor: 'a' };

function stateWith(changes: number): StateMachine {
  const state = new StateMachine({ historyRevisions: 1_000_000 });
  const apply = (data: Uint8Array): void => void state.apply(state.appliedIndex + 1, data);
  apply(encodeLease({ type: 'lease', action: 'grant', id: 'l', ttlMs: 60_000, atMs: 0 }));
  for (let i = 1; i <= changes; i++) {
    const key = `/k/${(i * 7) % 2_900}`;
    const value = Buffer.from(`value ${i}`);
    const lease = i % 11 === 0 ? { lease: 'l' } : {};
    const operation = i % 5 === 0 ? { type: 'delete' as const, key } : { type: 'put' as const, key, value, ...lease };
    const write = {
      session: 's',
      acknowledged: i - 1,
      txns: [{ sequence: i, compares: [], operations: [operation], cause }],
    };
    apply(encodeWrites([packWrite(write)]));
    // What is deleted before it and comes again behind it begins a new life.
    if (i === changes >> 1) apply(encodeCompact(state.revision));
  }
  return state;
}

function check(slices: Iterable<Uint8Array>): void {
  const each = new SnapshotCheck();
  for (const slice of slices) each.feed(slice);
  each.finish();
}

test('what a state says of itself is right: keys that were put, changed, deleted and put again, with leases', (t) => {
  for (const changes of [0, 1, 10, 6_000]) t.notThrows(() => check(encodeSnapshot(stateWith(changes))), `${changes}`);
});

test('one bit of a value that was stored, before or after the compaction, is another', (t) => {
  const state = stateWith(3_000);
  for (const changed of ['value 1401', 'value 2999']) {
    const slices = [...encodeSnapshot(state)].map((slice) => Buffer.from(slice));
    const slice = slices.find((each) => each.includes(changed))!;
    slice[slice.indexOf(changed)]! ^= 1;
    t.throws(() => check(slices), { instanceOf: WrongStateError, message: /and it says that it is/ }, changed);
  }
});

test('the sum of hashes is another, a transaction is missing, or the end is', (t) => {
  const state = stateWith(100);
  const slices = [...encodeSnapshot(state)];
  t.throws(() => check(slices.slice(0, -1)), { instanceOf: WrongStateError });
  state.versions.hash.low ^= 4;
  t.throws(() => check(encodeSnapshot(state)), { instanceOf: WrongStateError });
});
