// Shows that a lease takes the same keys with it on every member, whichever way the member came to its state.
import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import { encodeLease, encodeTime, encodeWrites } from './command.ts';
import { encodeSnapshot, SnapshotLoader } from './snapshot.ts';
import { StateMachine } from './state-machine.ts';

const LEASE = { type: 'lease', action: 'grant', id: 'l', ttlMs: 1_000, atMs: 0 } as const;
const bytesOf = (state: StateMachine): Buffer => Buffer.concat([...encodeSnapshot(state)]);

/** 400 keys hang on one lease, the last name first: more than one entry removes. */
function leased(): StateMachine {
  const state = new StateMachine({ historyRevisions: 1 });
  state.apply(1, encodeLease(LEASE));
  for (let i = 0; i < 400; i++) {
    const key = `/k/${String(400 - i).padStart(3, '0')}`;
    const operations = [{ type: 'put' as const, key, value: Buffer.from('x'), lease: 'l' }];
    const txn = { sequence: i + 1, compares: [], operations, cause: { span: `s${i}`, actor: 'a' } };
    state.apply(i + 2, encodeWrites([packWrite({ session: 's', acknowledged: 0, since: 0, txns: [txn] })]));
  }
  return state;
}

test('whoever has the state from a snapshot removes the same keys in the same order', (t) => {
  const first = leased();
  const loader = new SnapshotLoader({ historyRevisions: 1 });
  loader.feed(bytesOf(first));
  const second = loader.finish();
  for (let index = 402; first.leases.size > 0; index++) {
    const [a, b] = [first, second].map((state) => state.apply(index, encodeTime(2_000)));
    t.deepEqual(a!.committed, b!.committed);
    t.is(first.hash, second.hash);
  }
  t.is(first.versions.liveKeys, 0);
  t.deepEqual(bytesOf(first), bytesOf(second));
});
