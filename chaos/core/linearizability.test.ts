// Shows that the checker accepts what could have happened and refuses what could not: the check is checked.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { keyModel, type KeyInput, type KeyOutput } from './key-model.ts';
import { checkLinearizable, checkPerKey, type Operation } from './linearizability.ts';

type Op = Operation<KeyInput, KeyOutput>;
const put = (value: string, call: number, end: number, revision?: number): Op => ({
  client: 'a',
  input: { type: 'put', key: 'k', value },
  output: revision === undefined ? undefined : { type: 'changed', revision },
  call,
  return: end,
});
const read = (value: string | undefined, call: number, end: number, revision = 0): Op => ({
  client: 'b',
  input: { type: 'read', key: 'k' },
  output: { type: 'read', value, revision },
  call,
  return: end,
});
const compare = (revision: number, value: string, call: number, end: number, output: KeyOutput | undefined): Op => ({
  client: 'c',
  input: { type: 'compare', key: 'k', revision, value },
  output,
  call,
  return: end,
});

const GOOD: Record<string, Op[]> = {
  'one after the other': [put('x', 0, 1, 1), read('x', 2, 3, 1)],
  'a read beside a write may see either': [put('x', 0, 10, 1), read(undefined, 1, 2), read('x', 3, 4, 1)],
  'a lost answer that took effect later': [put('x', 0, 1), read(undefined, 2, 3), read('x', 4, 5, 7)],
  'a lost answer that never took effect': [put('x', 0, 1), read(undefined, 2, 3), read(undefined, 9, 10)],
  'of two comparisons one wins': [
    compare(0, 'x', 0, 5, { type: 'changed', revision: 3 }),
    compare(0, 'y', 0, 5, { type: 'conflict' }),
    read('x', 6, 7, 3),
  ],
};

const BAD: Record<string, Op[]> = {
  'a stale read': [put('x', 0, 1, 1), put('y', 2, 3, 2), read('x', 4, 5, 1)],
  'a lost write': [put('x', 0, 1, 1), read(undefined, 2, 3)],
  'back in time': [put('x', 0, 9, 1), read('x', 1, 2, 1), read(undefined, 3, 4)],
  'both comparisons win': [
    compare(0, 'x', 0, 5, { type: 'changed', revision: 3 }),
    compare(0, 'y', 0, 5, { type: 'changed', revision: 4 }),
  ],
  'a comparison that should have won': [put('x', 0, 1, 5), compare(5, 'y', 2, 3, { type: 'conflict' })],
  'a lost write that came back after a later one': [
    put('x', 0, 1),
    put('y', 2, 3, 9),
    read('y', 4, 5, 9),
    read('x', 6, 7, 10),
    read('y', 8, 9, 9),
  ],
  'a write applied twice': [
    compare(0, 'x', 0, 1, { type: 'changed', revision: 1 }),
    put('y', 2, 3, 2),
    read('x', 4, 5, 3),
  ],
  'revisions that go back': [put('x', 0, 1, 5), put('y', 2, 3, 4)],
};

for (const [name, history] of Object.entries(GOOD))
  test(`accepted: ${name}`, (t) => t.true(checkLinearizable(keyModel, history).linearizable));

for (const [name, history] of Object.entries(BAD))
  test(`refused: ${name}`, (t) => {
    const verdict = checkPerKey(keyModel, history, (input) => input.key);
    t.false(verdict.linearizable);
  });

/** A real register: operations take effect at one moment between call and return; answers may get lost. */
const histories = fc.array(
  fc.record({
    kind: fc.constantFrom('read', 'put', 'compare'),
    start: fc.nat(100),
    take: fc.nat(20),
    at: fc.nat(20),
    lost: fc.nat(9),
    stale: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

function play(
  script: Array<{ kind: string; start: number; take: number; at: number; lost: number; stale: boolean }>,
): Op[] {
  const moments = script
    .map((step, i) => ({ ...step, i, moment: step.start + Math.min(step.at, step.take) + i / 1000 }))
    .toSorted((a, b) => a.moment - b.moment);
  let state: { value: string | undefined; revision: number } = { value: undefined, revision: 0 };
  let clock = 0;
  return moments.map((step): Op => {
    const base = { client: `c${step.i}`, call: step.start, return: step.start + step.take + 0.5 };
    const lost = step.lost === 0;
    if (step.kind === 'read')
      return { ...base, input: { type: 'read', key: 'k' }, output: lost ? undefined : { type: 'read', ...state } };
    const value = `v${step.i}`;
    const expected = step.stale ? state.revision + 1 : state.revision;
    const input: KeyInput =
      step.kind === 'put' ? { type: 'put', key: 'k', value } : { type: 'compare', key: 'k', revision: expected, value };
    if (step.kind === 'compare' && step.stale)
      return { ...base, input, output: lost ? undefined : { type: 'conflict' } };
    state = { value, revision: ++clock };
    return { ...base, input, output: lost ? undefined : { type: 'changed', revision: state.revision } };
  });
}

test('every history of a real register is accepted', (t) => {
  fc.assert(
    fc.property(histories, (script) => checkLinearizable(keyModel, play(script)).linearizable),
    { numRuns: 500 },
  );
  t.pass();
});

test('a read of a value that was never written is refused wherever it stands', (t) => {
  fc.assert(
    fc.property(
      histories,
      fc.nat(120),
      (script, at) => !checkLinearizable(keyModel, [...play(script), read('never', at, at + 1, 1)]).linearizable,
    ),
    { numRuns: 200 },
  );
  t.pass();
});

test('a long history of many clients is checked in time that grows gently', (t) => {
  const script = Array.from({ length: 2000 }, (_, i) => ({
    kind: ['read', 'put', 'compare'][i % 3]!,
    start: i * 2,
    take: 9,
    at: (i * 7) % 9,
    lost: i % 50,
    stale: i % 7 === 0,
  }));
  const verdict = checkLinearizable(keyModel, play(script));
  t.true(verdict.linearizable);
  t.log({ steps: verdict.steps });
});
