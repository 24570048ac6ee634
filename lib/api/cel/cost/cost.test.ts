// Shows that an expression is estimated to cost what a real kube-apiserver 1.33 estimates, number for number.
import test from 'ava';
import { declaredSizes } from '../../custom/rule-sizes.ts';
import { costOf } from './cost.ts';

const TEXT = { type: 'string' };
const SCHEMA = {
  type: 'object',
  required: ['s'],
  properties: {
    s: TEXT,
    m: { ...TEXT, maxLength: 10 },
    n: { type: 'integer' },
    l: { type: 'array', items: TEXT },
    few: { type: 'array', maxItems: 3, items: { ...TEXT, maxLength: 5 } },
    map: { type: 'object', additionalProperties: TEXT },
    any: { 'x-kubernetes-int-or-string': true },
    deep: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          sub: {
            type: 'array',
            maxItems: 8,
            items: {
              type: 'object',
              properties: {
                p: {
                  type: 'object',
                  properties: { many: { type: 'array', items: TEXT }, few: { ...TEXT, maxLength: 3 } },
                },
              },
            },
          },
        },
      },
    },
  },
};

/** As `MaxCost` of k8s.io/apiextensions-apiserver v0.33.13 tells them. */
const COSTS: ReadonlyArray<readonly [string, bigint]> = [
  [`self.n > 3 && self.s == self.m`, 11n],
  [`self.l.all(x, x.startsWith('a'))`, 5242878n],
  [`self.few.map(x, x + self.m).exists(y, y.matches('a+b'))`, 95n],
  [`self.map.exists_one(k, self.map[k].contains(k))`, 2752509n],
  [`self.any == 3 || self.any in ['a', 'b']`, 17n],
  [`self.m.replace('', 'bb').split(',').join(self.m) == self.s`, 1844674407371269876n],
  [`quantity(self.m) != quantity('1')`, 1844674407370955271n],
  [`self.?s.optMap(v, v + self.m).orValue('').size() > 3`, 1844674407370955287n],
  [`self.deep.all(x, x.sub.all(y, y.p.many.all(z, y.p.few == z)))`, 970980453n],
  [`[self.few, self.l].filter(x, x.size() > 2).all(y, self.m in y)`, 70n],
  [`dyn(self.l)[0] == 'a' && has(self.m)`, 5n],
  [`type(self.any) == string && -self.n < -3`, 8n],
];

for (const [expression, cost] of COSTS)
  test(`an expression costs what it costs there: ${expression}`, (t) => {
    t.is(costOf(expression, declaredSizes(SCHEMA, false)!), cost);
  });
