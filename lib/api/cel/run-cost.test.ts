// Shows that the evaluation of an expression costs what it costs in a real kube-apiserver 1.33, number for number.
import test from 'ava';
import { compileCel } from './cel.ts';
import { MOST_COST, newMeter } from './meter.ts';

const SELF = { a: 'x', l: ['x', 'x'] };

/** As `ActualCost` of cel-go v0.23.2 tells them, with what Kubernetes 1.33 adds. */
const COSTS: ReadonlyArray<readonly [string, number]> = [
  [`self.l.all(x, x == self.a)`, 17],
  [`has(self.a) && self.a.matches('a+')`, 4],
  [`self.l.size() == 2`, 4],
  [`self.a in ['x','y']`, 2],
  [`true ? self.a == 'x' : false`, 3],
];

for (const [expression, cost] of COSTS)
  test(`an evaluation costs what it costs there: ${expression}`, (t) => {
    const meter = newMeter();
    compileCel(expression).run({ self: SELF }, meter);
    t.is(MOST_COST - meter.left, cost);
  });
