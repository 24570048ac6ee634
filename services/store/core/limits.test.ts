import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import { encodeLimits, encodeWrites } from './command.ts';
import { encodeSnapshot, SnapshotLoader } from './snapshot.ts';
import { StateMachine } from './state-machine.ts';

test('limits that were written count from that entry on, and are in the snapshot', (t) => {
  const state = new StateMachine({ historyRevisions: 100 });
  const apply = (data: Uint8Array): void => void state.apply(state.appliedIndex + 1, data);
  const put = (sequence: number, key: string): Uint8Array => {
    const operations = [{ type: 'put' as const, key, value: Buffer.alloc(50) }];
    const txn = { sequence, compares: [], operations, cause: { span: 's', actor: 'a' } };
    return encodeWrites([packWrite({ session: 's', acknowledged: 0, txns: [txn] })]);
  };
  for (let i = 1; i <= 10; i++) apply(put(i, `/k/${i}`));
  const limits = { ...state.limits, historyRevisions: 4, quotaBytes: 560 };
  apply(encodeLimits(limits));
  t.is(state.compactedRevision, 6);
  apply(put(11, '/k/one-too-many'));
  t.is(state.revision, 10);
  const loader = new SnapshotLoader({ quotaBytes: 7, sessions: 3 });
  for (const slice of encodeSnapshot(state)) loader.feed(slice);
  const loaded = loader.finish();
  t.deepEqual(loaded.limits, limits);
  t.is(loaded.hash, state.hash);
});
