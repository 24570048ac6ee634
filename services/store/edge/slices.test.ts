// Decides whether whatever is long is done in slices of bounded work, whatever is in the state: counted in bytes, keys and
// transactions, since how long a slice takes depends on the machine. Never measures a time (test/bench/store-stall.ts does).
import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import { encodeCompact, encodeLease, encodeTime, encodeWrites } from '../core/command.ts';
import { encodeSnapshot, SLICE_BYTES } from '../core/snapshot.ts';
import { StateMachine } from '../core/state-machine.ts';
import type { Entry } from '../../../raft/core/index.ts';
import { Applier, loadState, nextTurn, type ApplierEvents, type NextTurn } from './applier.ts';
import { TIDY_KEYS } from './member-options.ts';

const KEYS = 4_000;
const cause = { span: 's', actor: 'a' };

interface Put {
  key: string;
  value?: Uint8Array;
  lease?: string;
  session?: string;
}

function writer(): (puts: readonly Put[]) => Uint8Array {
  const sequences = new Map<string, number>();
  return (puts) =>
    encodeWrites(
      puts.map(({ key, value = Buffer.from('v'), lease, session = 'one' }) => {
        const sequence = (sequences.get(session) ?? 0) + 1;
        sequences.set(session, sequence);
        const operation = { type: 'put' as const, key, value, ...(lease === undefined ? {} : { lease }) };
        return packWrite({
          session,
          acknowledged: 0,
          txns: [{ sequence, compares: [], operations: [operation], cause }],
        });
      }),
    );
}

const apply = (state: StateMachine, data: Uint8Array): void => void state.apply(state.appliedIndex + 1, data);
const keyOf = (i: number): string => `/k/${String(i).padStart(6, '0')}`;

function filled(): { state: StateMachine; put: ReturnType<typeof writer> } {
  const state = new StateMachine({ historyRevisions: 3 * KEYS });
  const put = writer();
  for (let i = 0; i < 500; i++)
    apply(state, encodeLease({ type: 'lease', action: 'grant', id: `lease-${i}`, ttlMs: 60_000, atMs: 0 }));
  for (let i = 0; i < KEYS; i++)
    apply(state, put([{ key: keyOf(i), session: `session-${i % 50}`, lease: `lease-${i % 500}` }]));
  return { state, put };
}

async function* oneByOne(slices: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* slices;
}

test('no slice of a snapshot is much longer than a slice, whatever it is of; all of it is the state as it was at the beginning', async (t) => {
  const { state, put } = filled();
  const { hash, revision } = state;
  const answers = [...state.sessions.byName].map(([name, { results }]) => [name, [...results]]);
  const leases = state.leases.described();
  const walked: number[] = [];
  const { keysAfter } = state.versions;
  state.versions.keysAfter = function* (after) {
    walked.push(0);
    for (const each of keysAfter.call(state.versions, after)) {
      walked[walked.length - 1]!++;
      yield each;
    }
  };
  const slices: Uint8Array[] = [];
  let turn = 0;
  for (const slice of encodeSnapshot(state)) {
    slices.push(slice);
    // What is behind the snapshot and what is before it changes while it is written.
    const value = Buffer.alloc(100, turn);
    apply(state, put([{ key: keyOf(turn * 97), value, session: `session-${turn % 50}` }]));
    apply(
      state,
      encodeLease({ type: 'lease', action: 'keepAlive', id: `lease-${turn % 500}`, ttlMs: 0, atMs: ++turn }),
    );
    apply(state, encodeCompact(state.revision));
  }
  t.true(turn > 5);
  for (const { length } of slices) t.true(length < SLICE_BYTES + 10_000, `a slice of ${length} bytes`);
  t.true(Math.max(...walked) <= 1_001, `${Math.max(...walked)} keys were passed in one slice`);
  const loaded = await loadState(oneByOne(slices), { historyRevisions: 3 * KEYS });
  t.deepEqual([loaded.hash, loaded.revision], [hash, revision]);
  t.deepEqual(
    [...loaded.sessions.byName].map(([name, { results }]) => [name, [...results]]),
    answers,
  );
  t.deepEqual(loaded.leases.described(), leases);
});

test('a compaction costs nothing when it is applied; what it makes unreadable is forgotten a bounded number of keys at a time', (t) => {
  const { state, put } = filled();
  for (let i = 0; i < KEYS; i++) apply(state, put([{ key: keyOf(i) }]));
  let pruned = 0;
  const { prune } = state.versions;
  state.versions.prune = (version) => {
    pruned++;
    prune.call(state.versions, version);
  };
  apply(state, encodeCompact(state.revision));
  t.true(pruned <= 2, `${pruned} keys were pruned with the command`);
  t.is(state.compactedRevision, state.revision);
  t.is(state.historyAfter(state.revision - 1, 10), 'compacted');
  let all = pruned;
  for (let more = -1; more !== 0; all += pruned) {
    pruned = 0;
    more = state.tidy(TIDY_KEYS);
    t.is(more, pruned);
    t.true(pruned <= TIDY_KEYS, `${pruned} keys were pruned in one turn`);
  }
  t.is(all, 2 * KEYS);
  t.is(state.history.unreadable, 0);
});

test('the end of a lease with many keys takes a bounded number of them with each entry', (t) => {
  const { state, put } = filled();
  apply(state, encodeLease({ type: 'lease', action: 'grant', id: 'wide', ttlMs: 10, atMs: 0 }));
  for (let i = 0; i < 1_000; i++) apply(state, put([{ key: `/w/${i}`, lease: 'wide' }]));
  const before = state.versions.liveKeys;
  const left: number[] = [];
  for (let at = 20; left.at(-1) !== before - 1_000; at++) {
    apply(state, encodeTime(at));
    left.push(state.versions.liveKeys);
  }
  t.deepEqual(
    left,
    [256, 512, 768, 1_000].map((gone) => before - gone),
  );
});

/** What it applies is told to `events`. */
function applierOf(state: StateMachine, events: Partial<ApplierEvents>, turn: NextTurn): Applier {
  const unheard = { entry: () => {}, applied: () => {}, installed: () => {}, failed: () => {} };
  return new Applier(state, {}, () => oneByOne([]), { ...unheard, ...events }, turn);
}

function entriesOf(count: number, txns: number): Entry[] {
  const put = writer();
  return Array.from({ length: count }, (_, i) => {
    const data = put(Array.from({ length: txns }, (__, j) => ({ key: `/${i}/${j}` })));
    return { index: i + 1, term: 1, kind: 'data', data };
  });
}

test('one turn applies at most some hundred transactions, however short they are', async (t) => {
  const perTurn: number[] = [0];
  let at = 0;
  const ended = Promise.withResolvers<void>();
  const applier = applierOf(
    new StateMachine(),
    {
      entry: (_, { results }) => void (perTurn[at]! += results.length),
      applied: (index) => index === 100 && ended.resolve(),
      failed: (error) => ended.reject(error),
    },
    async () => void perTurn.push(++at && 0),
  );
  applier.apply(entriesOf(100, 40), true);
  await ended.promise;
  t.is(
    perTurn.reduce((sum, each) => sum + each, 0),
    4_000,
  );
  t.true(Math.max(...perTurn) <= 512 + 40, `${Math.max(...perTurn)} in one turn`);
});

test('what nobody waits for is applied a turn after it is released, in order, and with what somebody waits for', async (t) => {
  const state = new StateMachine();
  const turns: (() => void)[] = [];
  const applier = applierOf(state, {}, () => new Promise((resolve) => turns.push(resolve)));
  const [first, second, third, fourth] = entriesOf(4, 1);
  applier.apply([first!], false);
  t.is(state.appliedIndex, 0);
  applier.release();
  t.is(state.appliedIndex, 0);
  applier.apply([second!], false);
  turns.pop()!();
  await nextTurn();
  t.is(state.appliedIndex, 2);
  applier.apply([third!], false);
  applier.apply([fourth!], true);
  await nextTurn();
  t.is(state.appliedIndex, 4);
  applier.release();
  t.is(turns.length, 0);
});
