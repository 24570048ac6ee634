// Shows when a hypothesis holds, and how the verdict reads.
import test from 'ava';
import type { Figures } from './figures.ts';
import type { HistoryVerdict } from './history.ts';
import { judge, verdictLines, type Observed } from './verdict.ts';

const FINE: HistoryVerdict = {
  acknowledged: 800,
  unanswered: 2,
  reads: 900,
  lost: [],
  stale: [],
  unexplained: [],
  unverified: [],
};
const FIGURES_OF_A_RUN: Figures = {
  'acknowledged writes lost': 0,
  'stale reads': 0,
  'histories no order explains': 0,
  'longest write gap': 2400,
  'longest read gap': 310,
  'pods disturbed': 0,
  'writes acknowledged': 800,
};
const observed = (more: Partial<Observed> = {}): Observed => ({
  figures: FIGURES_OF_A_RUN,
  history: FINE,
  checks: [],
  impossible: {},
  troubles: [],
  ...more,
});
const GAP = { figure: 'longest write gap', is: 'at most', value: 5000 } as const;
const held = (more: Partial<Observed>): boolean => judge([GAP], observed(more)).held;

test('the table of a hypothesis that held', (t) => {
  t.snapshot(verdictLines('leader', judge([GAP], observed())).join('\n'));
});

test('the table of one that did not', (t) => {
  const lost = {
    type: 'write',
    client: 'writer-1',
    key: 'w-3',
    value: 'v-9',
    call: 1,
    return: 2,
    revision: 44,
  } as const;
  const figures: Figures = { ...FIGURES_OF_A_RUN, 'acknowledged writes lost': 1, 'longest write gap': 71_000 };
  const checks = [{ what: 'from 5 s on: pod/late is Pending', saw: 'Ready', held: false }];
  const troubles = ['kill leader: no member of the store leads now'];
  const verdict = judge([GAP], observed({ figures, checks, troubles, history: { ...FINE, lost: [lost] } }));
  t.snapshot(verdictLines('leader', verdict).join('\n'));
});

test('whatever the scenario says, nothing acknowledged may be lost and nothing be stale', (t) => {
  for (const figure of ['acknowledged writes lost', 'stale reads', 'histories no order explains'] as const) {
    const lax = { figure, is: 'at most', value: 100 } as const;
    t.false(judge([lax], observed({ figures: { ...FIGURES_OF_A_RUN, [figure]: 1 } })).held, figure);
  }
});

test('each of these refutes it alone', (t) => {
  t.true(held({}));
  t.false(held({ figures: { ...FIGURES_OF_A_RUN, 'longest write gap': 5001 } }));
  t.false(held({ troubles: ['anything'] }));
  t.false(held({ checks: [{ what: 'x', saw: 'y', held: false }] }));
  t.false(held({ history: { ...FINE, unverified: ['a'] } }));
});

test('what was not measured holds nothing, what this cluster cannot have is not asked', (t) => {
  const condition = { figure: 'Service requests failed', is: 'at most', value: 0 } as const;
  t.false(judge([condition], observed()).held);
  t.true(judge([condition], observed({ impossible: { 'Service requests failed': 'hollow nodes run nothing' } })).held);
});

test('a least that must be reached', (t) => {
  const stops = (value: number): boolean =>
    judge([{ figure: 'longest write gap', is: 'at least', value }], observed()).held;
  t.true(stops(2400));
  t.false(stops(2401));
});
