import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import fc from '../../../test/kit/fast-check.ts';
import type { CommittedTxn, Operation, StoreWrite, TxnResult } from '../../../lib/bus/messages.ts';
import { decodeCommand, encodeCompact, encodeWrites } from './command.ts';
import type { StoreLimits } from './limits.ts';
import { encodeSnapshot, SLICE_BYTES, SnapshotLoader } from './snapshot.ts';
import { StateMachine } from './state-machine.ts';

const cause = { span: 'apiserver-1/a/1', actor: 'apiserver-1' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, value: string): Operation => ({ type: 'put', key, value: bytes(value) });
const remove = (key: string): Operation => ({ type: 'delete', key });

/** Applies one write in an entry of its own. */
function apply(state: StateMachine, write: StoreWrite): { results: TxnResult[]; committed: CommittedTxn[] } {
  const { results, committed } = state.apply(state.appliedIndex + 1, encodeWrites([packWrite(write)]));
  return { results: results[0]!, committed };
}

function write(
  sequence: number,
  operations: Operation[],
  more: Partial<StoreWrite['txns'][0]> & { session?: string; acknowledged?: number } = {},
): StoreWrite {
  const { session = 'a', acknowledged = 0, ...txn } = more;
  return { session, acknowledged, txns: [{ sequence, compares: [], operations, cause, ...txn }] };
}

function snapshotOf(state: StateMachine, between: () => void = () => undefined): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (const slice of encodeSnapshot(state)) {
    slices.push(slice);
    between();
  }
  return slices;
}

function load(slices: readonly Uint8Array[], pieceBytes: number, limits: Partial<StoreLimits>): StateMachine {
  const loader = new SnapshotLoader(limits);
  const whole = Buffer.concat(slices);
  for (let at = 0; at < whole.length; at += pieceBytes) loader.feed(whole.subarray(at, at + pieceBytes));
  return loader.finish();
}

/** Everything that can be asked of a state. */
function everything(state: StateMachine): unknown {
  const revisions = [];
  for (let revision = state.compactedRevision; revision <= state.revision; revision++)
    revisions.push(state.range('', '', 1e9, revision === 0 ? -1 : revision));
  return {
    revisions,
    latest: state.range('', '', 1e9, 0),
    history: state.historyAfter(state.compactedRevision, 1e9),
    sessions: [...state.sessions.byName].map(([name, { acknowledged, results }]) => [name, acknowledged, [...results]]),
    hash: state.hash,
    revision: state.revision,
    compacted: state.compactedRevision,
    applied: state.appliedIndex,
    liveBytes: state.versions.liveBytes,
    liveKeys: state.versions.liveKeys,
  };
}

test('a transaction is one revision; its changes say when the life of each key began', (t) => {
  const state = new StateMachine();
  t.deepEqual(apply(state, write(1, [put('a', '1'), put('b', '1')])).results, [{ sequence: 1, ok: true, revision: 1 }]);
  const second = apply(state, write(2, [put('a', '2'), remove('b'), remove('c')]));
  t.deepEqual(second.results, [{ sequence: 2, ok: true, revision: 2 }]);
  t.deepEqual(second.committed, [
    {
      revision: 2,
      cause,
      changes: [
        { type: 'put', key: 'a', value: bytes('2'), createRevision: 1 },
        { type: 'delete', key: 'b', value: new Uint8Array(0), createRevision: 1 },
      ],
    },
  ]);
  t.is(apply(state, write(3, [put('b', '3')])).committed[0]!.changes[0]!.createRevision, 3);
});

test('a comparison that fails changes nothing and says what is there; 0 means absent, also after a delete', (t) => {
  const state = new StateMachine();
  apply(state, write(1, [put('a', '1')]));
  const { keysHash } = state;
  const refused = apply(
    state,
    write(2, [put('a', '2'), put('b', '2')], {
      compares: [
        { key: 'b', revision: 0 },
        { key: 'a', revision: 7 },
      ],
    }),
  );
  t.deepEqual(refused.results, [{ sequence: 2, ok: false, reason: 'conflict', key: 'a', current: 1 }]);
  t.is(state.keysHash, keysHash);
  t.is(state.revision, 1);
  apply(state, write(3, [remove('a')], { compares: [{ key: 'a', revision: 1 }] }));
  t.deepEqual(apply(state, write(4, [put('a', '4')], { compares: [{ key: 'a', revision: 0 }] })).results, [
    { sequence: 4, ok: true, revision: 3 },
  ]);
});

test('a transaction that changes nothing has no revision of its own', (t) => {
  const state = new StateMachine();
  apply(state, write(1, [put('a', '1')]));
  t.deepEqual(apply(state, write(2, [remove('x')])), {
    results: [{ sequence: 2, ok: true, revision: 1 }],
    committed: [],
  });
  t.deepEqual(apply(state, write(3, [])), { results: [{ sequence: 3, ok: true, revision: 1 }], committed: [] });
});

test('a retried transaction is answered, not applied again, whatever its answer was', (t) => {
  const state = new StateMachine();
  apply(state, write(1, [put('a', '1')]));
  const conflict = apply(state, write(2, [put('a', '2')], { compares: [{ key: 'a', revision: 9 }] })).results;
  const first = apply(state, write(3, [put('a', '3')])).results;
  t.deepEqual(apply(state, write(3, [put('a', '3')])), { results: first, committed: [] });
  t.deepEqual(apply(state, write(2, [put('a', '2')])), { results: conflict, committed: [] });
  t.is(state.revision, 2);
  // Sequences may arrive out of order: a later one does not make an earlier one look applied.
  apply(state, write(7, [put('b', '7')]));
  t.is(apply(state, write(6, [put('b', '6')])).committed.length, 1);
});

test('acknowledged answers are forgotten; a retry of one is refused, not applied', (t) => {
  const state = new StateMachine();
  apply(state, write(1, [put('a', '1')]));
  apply(state, write(2, [put('a', '2')], { acknowledged: 1 }));
  t.is(state.sessions.byName.get('a')!.results.size, 1);
  const { results, committed } = apply(state, write(1, [put('a', 'again')]));
  t.like(results[0], { sequence: 1, ok: false, reason: 'forgotten' });
  t.deepEqual(committed, []);
});

test('of too many sessions the one silent longest is dropped, and its retries are refused', (t) => {
  const state = new StateMachine({ sessions: 2 });
  apply(state, write(1, [put('a', '1')], { session: 'one' }));
  apply(state, write(1, [put('a', '2')], { session: 'two' }));
  apply(state, write(2, [put('a', '3')], { session: 'one', acknowledged: 1 }));
  apply(state, write(1, [put('a', '4')], { session: 'three' }));
  t.deepEqual([...state.sessions.byName.keys()], ['one', 'three']);
  t.like(apply(state, write(2, [put('a', '5')], { session: 'two', acknowledged: 1 })).results[0], {
    reason: 'forgotten',
  });
  t.is(state.revision, 4);
});

test('a session that was forgotten is not taken for a new one, though none of its answers ever arrived', (t) => {
  for (const fromSnapshot of [false, true]) {
    let state = new StateMachine({ sessions: 2 });
    const first = { ...write(1, [put('counter', '1')], { session: 'one' }), since: 0 };
    t.true(apply(state, first).results[0]!.ok);
    for (const session of ['two', 'three'])
      apply(state, { ...write(1, [put(session, 'x')], { session }), since: state.appliedIndex });
    t.false(state.sessions.byName.has('one'));
    if (fromSnapshot) state = load(snapshotOf(state), 100, { sessions: 2 });
    const { revision } = state;
    // Sequence 1, nothing acknowledged: as a new session would begin. It was applied, and its answer was lost.
    const again = apply(state, first).results[0]!;
    t.like(again, { ok: false, reason: 'forgotten' });
    t.regex(
      (again as { message: string }).message,
      /do not send it again: read what it wrote, and begin a new session/,
    );
    t.like(apply(state, { ...first, txns: [{ ...first.txns[0]!, sequence: 2 }] }).results[0], { reason: 'forgotten' });
    t.is(state.revision, revision);
    // One that began since then is certainly new.
    t.true(
      apply(state, { ...write(1, [put('a', '1')], { session: 'four' }), since: state.appliedIndex }).results[0]!.ok,
    );
  }
});

test('a forgotten session that was refused, or changed nothing, is not taken for a new one either', (t) => {
  for (const txn of [{ compares: [{ key: 'a', revision: 77 }] }, { operations: [remove('a')] }]) {
    const state = new StateMachine({ sessions: 1 });
    const first = { ...write(1, [put('a', 'x')], { session: 'one', ...txn }), since: 0 };
    apply(state, first);
    const then = state.appliedIndex;
    // However often nothing changes: who knows where the log is may begin.
    for (let i = 0; i < 20; i++) {
      const other = { ...write(1, [put('b', 'x')], { session: `s${i}` }), since: state.appliedIndex };
      t.true(apply(state, other).results[0]!.ok);
    }
    t.like(apply(state, first).results[0], { reason: 'forgotten' });
    t.like(apply(state, { ...first, session: 'stale', since: then }).results[0], { reason: 'forgotten' });
  }
});

test('over the quota only what does not grow is written', (t) => {
  const state = new StateMachine({ quotaBytes: 100 });
  t.true(apply(state, write(1, [put('a', 'x'.repeat(60))])).results[0]!.ok);
  t.like(apply(state, write(2, [put('b', 'x'.repeat(60))])).results[0], { ok: false, reason: 'quota' });
  t.true(apply(state, write(3, [put('a', 'y'.repeat(60))])).results[0]!.ok);
  t.true(apply(state, write(4, [remove('a'), put('b', 'x'.repeat(90))])).results[0]!.ok);
  t.true(apply(state, write(5, [remove('b')])).results[0]!.ok);
});

test('what is compacted is refused, never served in part', (t) => {
  const state = new StateMachine({ historyRevisions: 3 });
  for (let i = 1; i <= 10; i++)
    apply(state, write(i, [put('a', `${i}`), i % 2 === 0 ? put('b', `${i}`) : remove('b')], { acknowledged: i - 1 }));
  t.is(state.compactedRevision, 7);
  t.is(state.historyAfter(6, 100), 'compacted');
  t.is(state.range('', '', 100, 6), 'compacted');
  const history = state.historyAfter(7, 100);
  t.deepEqual(history === 'compacted' ? [] : history.txns.map(({ revision }) => revision), [8, 9, 10]);
  t.deepEqual(
    (state.range('', '', 100, 8) as { items: { key: string }[] }).items.map(({ key }) => key),
    ['a', 'b'],
  );
  state.apply(state.appliedIndex + 1, encodeCompact(9));
  t.is(state.compactedRevision, 9);
  t.is(state.range('', '', 100, 8), 'compacted');
});

test('pages of one revision are one state, whatever is written between them', (t) => {
  const state = new StateMachine();
  for (let i = 0; i < 50; i++) apply(state, write(i + 1, [put(`/pods/${String(i).padStart(3, '0')}`, `${i}`)]));
  const first = state.range('/pods/', '', 20, 0) as { items: { key: string }[]; revision: number; more: boolean };
  t.is(first.items.length, 20);
  t.true(first.more);
  for (let i = 0; i < 50; i++)
    apply(state, write(100 + i, [remove(`/pods/${String(i).padStart(3, '0')}`), put(`/pods/9${i}`, 'new')]));
  const keys = first.items.map(({ key }) => key);
  for (let more = true; more;) {
    const page = state.range('/pods/', keys.at(-1)!, 20, first.revision) as typeof first;
    keys.push(...page.items.map(({ key }) => key));
    more = page.more;
  }
  t.is(keys.length, 50);
  t.is(new Set(keys).size, 50);
});

// ---- against a naive model ------------------------------------------------------------------------------------------

const KEYS = ['a', 'b', 'b/1', 'b/2', 'c', 'ä', '/registry/pods/default/web'];
const operation = fc.oneof(
  fc.record({
    type: fc.constant('put' as const),
    key: fc.constantFrom(...KEYS),
    value: fc.uint8Array({ maxLength: 40 }),
  }),
  fc.record({ type: fc.constant('delete' as const), key: fc.constantFrom(...KEYS) }),
);
const script = fc.array(
  fc.record({
    session: fc.constantFrom('s1', 's2', 's3'),
    retry: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    compare: fc.option(fc.record({ key: fc.constantFrom(...KEYS), back: fc.nat(3) })),
    operations: fc.array(operation, { maxLength: 4 }),
    acknowledge: fc.boolean(),
  }),
  { maxLength: 120 },
);
type Step = typeof script extends fc.Arbitrary<infer T> ? T : never;

const SMALL: Partial<StoreLimits> = { historyRevisions: 12, sessions: 2, resultsPerSession: 5 };

const revisionOf = ({ versions }: StateMachine, key: string): number => versions.liveRevision(versions.keys.find(key));

function play(steps: Step, state: StateMachine): Map<number, Map<string, string>> {
  const sequences = new Map<string, number>();
  const states = new Map<number, Map<string, string>>([[0, new Map()]]);
  for (const step of steps) {
    const last = sequences.get(step.session) ?? 0;
    const sequence = step.retry && last > 0 ? last : last + 1;
    sequences.set(step.session, sequence);
    const known = revisionOf(state, step.compare?.key ?? '');
    const before = state.revision;
    const { results, committed } = apply(state, {
      session: step.session,
      acknowledged: step.acknowledge ? Math.max(0, sequence - 2) : 0,
      txns: [
        {
          sequence,
          compares:
            step.compare === null
              ? []
              : [{ key: step.compare.key, revision: Math.max(0, known - (step.compare.back % 2)) }],
          operations: step.operations,
          cause,
        },
      ],
    });
    if (results[0]!.ok && committed.length > 0) {
      const next = new Map(states.get(before)!);
      for (const each of step.operations)
        if (each.type === 'put') next.set(each.key, Buffer.from(each.value).toString('hex'));
        else next.delete(each.key);
      states.set(state.revision, next);
    }
  }
  return states;
}

test('every readable revision is what a naive store was at that revision', (t) => {
  fc.assert(
    fc.property(script, (steps) => {
      const state = new StateMachine(SMALL);
      const states = play(steps, state);
      for (let revision = Math.max(1, state.compactedRevision); revision <= state.revision; revision++) {
        const page = state.range('', '', 1e9, revision);
        if (page === 'compacted') return t.fail();
        const found = page.items.map(({ key, value }) => [key, Buffer.from(value).toString('hex')]);
        t.deepEqual(
          found,
          [...states.get(revision)!].toSorted(([a], [b]) => (a < b ? -1 : 1)),
        );
      }
      return undefined;
    }),
    { numRuns: 200 },
  );
});

test('a snapshot, taken while the state goes on changing, loads as exactly the state at its beginning', (t) => {
  fc.assert(
    fc.property(script, script, fc.integer({ min: 1, max: 300 }), (before, after, pieceBytes) => {
      const state = new StateMachine(SMALL);
      play(before, state);
      const then = everything(state);
      const rest = [...after];
      const loaded = load(
        snapshotOf(state, () => void play(rest.splice(0, 20), state)),
        pieceBytes,
        SMALL,
      );
      t.deepEqual(everything(loaded), then);
    }),
    { numRuns: 150 },
  );
});

test('what is compacted while a snapshot is written is still in it, and is forgotten after it', (t) => {
  const limits = { historyRevisions: 5 };
  const state = new StateMachine(limits);
  let sequence = 0;
  const each = (operation: (key: string) => Operation): void => {
    for (let i = 0; i < 3_000; i += 50)
      apply(
        state,
        write(
          ++sequence,
          Array.from({ length: 50 }, (_, n) => operation(`k${i + n}`)),
        ),
      );
  };
  each((key) => put(key, 'before'));
  state.apply(state.appliedIndex + 1, encodeCompact(state.revision));
  const then = { hash: state.hash, latest: state.range('', '', 1e9, 0) };
  let turn = 0;
  const slices = snapshotOf(state, () => each(turn++ % 2 === 0 ? remove : (key) => put(key, 'after')));
  t.true(slices.length > 3);
  const loaded = load(slices, 5_000, limits);
  t.is(loaded.hash, then.hash);
  t.deepEqual(loaded.range('', '', 1e9, 0), then.latest);
  for (let i = 0; i < 3; i++) each(remove);
  for (let i = 0; i < 200; i++) apply(state, write(++sequence, [put('last', `${i}`)]));
  t.is(state.versions.keys.size, 1);
});

test('a member that started from a snapshot and one that applied everything go on alike', (t) => {
  fc.assert(
    fc.property(script, script, (before, after) => {
      const state = new StateMachine(SMALL);
      play(before, state);
      const loaded = load(snapshotOf(state), 1000, SMALL);
      play(after, state);
      play(after, loaded);
      t.deepEqual(everything(loaded), everything(state));
    }),
    { numRuns: 100 },
  );
});

test('the hash of the keys depends on what is there, not on how it came to be, and sees every difference', (t) => {
  const one = new StateMachine({ historyRevisions: 1 });
  const empty = one.keysHash;
  apply(one, write(1, [put('a', '1'), put('b', '2')]));
  const { keysHash } = one;
  apply(one, write(2, [put('c', '3')]));
  t.not(one.keysHash, keysHash);
  apply(one, write(3, [remove('c')]));
  t.is(one.keysHash, keysHash);
  apply(one, write(4, [remove('a'), remove('b')]));
  t.is(one.keysHash, empty);
  t.not(load(snapshotOf(one), 10, {}).keysHash, keysHash);
});

test('a cut or changed snapshot is refused', (t) => {
  const state = new StateMachine();
  for (let i = 1; i <= 20; i++) apply(state, write(i, [put(`k${i}`, `value ${i}`)]));
  const whole = Buffer.concat(snapshotOf(state));
  for (const cut of [1, 10, whole.length - 1])
    t.throws(() => load([whole.subarray(0, cut)], 64, {}), undefined, `cut at ${cut}`);
  const at = whole.indexOf('value 7');
  whole[at + 6]! ^= 1;
  t.throws(() => load([whole], 64, {}), { message: /hash/ });
});

test('old versions do not pile up: what is kept is what is readable', (t) => {
  const state = new StateMachine({ historyRevisions: 10 });
  for (let i = 1; i <= 1000; i++)
    apply(
      state,
      write(i, [put(`k${i % 7}`, `${i}`), put(`gone${i}`, 'x'), remove(`gone${i - 1}`)], { acknowledged: i - 1 }),
    );
  t.true(state.versions.kept < 60, `${state.versions.kept} versions`);
});

test('a slice of a snapshot is bounded, whatever the size of the state', (t) => {
  const state = new StateMachine();
  for (let i = 0; i < 300; i++) apply(state, write(i + 1, [put(`k${i}`, 'x'.repeat(5000))], { acknowledged: i }));
  state.apply(state.appliedIndex + 1, encodeCompact(state.revision));
  const slices = snapshotOf(state);
  t.true(slices.length > 10);
  t.true(slices.every((slice) => slice.length < SLICE_BYTES + 6000));
});

test('a command survives its encoding', (t) => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 5 }),
      fc.maxSafeNat(),
      fc.string(),
      fc.array(fc.maxSafeNat(), { minLength: 1 }),
      (operations, sequence, span, revisions) => {
        const written: StoreWrite = {
          session: 'ses/ü',
          acknowledged: sequence,
          since: sequence,
          txns: [
            {
              sequence,
              compares: [{ key: 'k', revision: sequence }],
              operations,
              cause: { span, actor: 'x', revisions },
            },
          ],
        };
        t.deepEqual(decodeCommand(encodeWrites([packWrite(written), packWrite(written)])), {
          type: 'writes',
          writes: [written, written],
        });
      },
    ),
    { numRuns: 200 },
  );
});
