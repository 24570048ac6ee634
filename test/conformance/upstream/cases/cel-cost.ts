// Requests about what CEL rules may cost: what a definition is refused for, by how much, and what a rule is stopped for.
import type { Case } from '../area.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const TEXT = { type: 'string' };
const NUMBER = { type: 'integer' };
const text = (maxLength: number): object => ({ ...TEXT, maxLength });
const list = (items: object, maxItems?: number): object => ({ type: 'array', items, maxItems });
const map = (additionalProperties: object, maxProperties?: number): object => ({
  type: 'object',
  additionalProperties,
  maxProperties,
});
const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more });
const ruled = (schema: object, ...rules: string[]): object => ({
  ...schema,
  'x-kubernetes-validations': rules.map((rule) => ({ rule })),
});

function definition(plural: string, ...specs: object[]): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.cost.example.com` },
    spec: {
      group: 'cost.example.com',
      scope: 'Cluster',
      names: { plural, kind: 'Thing' },
      versions: specs.map((spec, i) => ({
        name: `v${i + 1}`,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: object({ spec }) },
      })),
    },
  };
}

/** A definition that is only tried. */
const tried = (name: string, ...specs: object[]): Case => ({
  name,
  m: 'POST',
  p: `${CRDS}?dryRun=All`,
  b: definition('tries', ...specs),
});
const rule = (name: string, properties: object, ...rules: string[]): Case =>
  tried(name, ruled(object(properties), ...rules));

const UNIQUE = 'self.l.all(x, self.l.exists_one(y, x == y))';
const EACH = (name: string): string => `self.${name}.all(x, x == 'a' || x.startsWith('b'))`;

/** Nearly as much as a rule may cost. */
const DEAR = 'self.l.all(x, x.contains("abc"))';
const DEAR_LIST = list(text(7_500), 3_100);

export const cases: readonly Case[] = [
  rule('each of a list of any length with each', { l: list(TEXT) }, UNIQUE),
  rule('the same of few', { l: list(text(20), 40) }, UNIQUE),
  rule('texts of any length in a list that is bounded', { l: list(TEXT, 20) }, EACH('l')),
  rule('a list of any length of short texts', { l: list(text(9)) }, EACH('l')),
  rule('a little too much', { l: list(text(100), 500) }, UNIQUE),
  rule('in the middle of two factors', { l: list(NUMBER, 4_499_999) }, '1 == 1 && 1 == 1 && self.l.all(x, x > 0)'),
  rule('a pattern', { s: TEXT }, `self.s.matches('^(${'ab|'.repeat(50)}c)$')`),
  rule(
    'words, times and bytes are bounded',
    {
      w: { ...TEXT, enum: ['a', 'bé'] },
      t: { ...TEXT, format: 'date-time' },
      d: { ...TEXT, format: 'duration' },
      b: { ...TEXT, format: 'byte', maxLength: 9 },
    },
    ...['w', 't', 'd', 'b'].map((name) => `[1].all(x, self.${name} == self.${name})`),
  ),
  rule('a number or a text', { i: { 'x-kubernetes-int-or-string': true } }, 'self.i.matches("[0-9]+%")', 'self.i == 3'),
  tried('within lists that are bounded', list(object({ l: list(ruled(text(50), 'self.contains("a")'), 200) }), 300)),
  tried('within a list that is not', list(object({ l: list(ruled(text(50), 'self.contains("a")'), 200) }))),
  tried('within maps', map(map(ruled(object({ s: text(1000) }), 'self.s.size() > 3'), 900), 900)),
  tried('within nothing', list(ruled(object({ s: TEXT }), 'self.s.matches("a")'), 0)),
  tried(
    'as often as what is required leaves room for',
    list(
      ruled(object({ name: TEXT, more: NUMBER }, { required: ['name', 'more'] }), 'self.name.size() + self.more > 3'),
    ),
  ),
  tried('a message', {
    ...object({ l: list(TEXT) }),
    'x-kubernetes-validations': [
      { rule: 'self.l.size() > 0', messageExpression: 'self.l.join(", ") + self.l.join(".")' },
    ],
  }),
  tried(
    'all together',
    ruled(object({ l: DEAR_LIST }), ...Array.from({ length: 11 }, (_, i) => `${i} == ${i} || ${DEAR}`)),
  ),
  tried(
    'each version by itself',
    ruled(object({ l: list(TEXT) }), EACH('l')),
    ruled(object({ l: list(TEXT) }), UNIQUE),
  ),
  tried('dear, and of a wrong type', ruled(object({ l: list(TEXT) }), UNIQUE, 'self.l == 3', 'self.l')),
  rule(
    'quantities, addresses and URLs',
    { s: TEXT, l: list(TEXT) },
    'quantity(self.s) == quantity("1")',
    'quantity(self.s) != quantity("1")',
    'self.l.all(x, isIP(x) || isCIDR(x))',
    'self.l.exists(x, url(x).getHost() == self.s)',
  ),
  rule(
    'texts that are made',
    { s: text(900), l: list(text(90), 90) },
    'self.l.map(x, x.replace("", self.s)).exists(y, y.split(",").all(z, z.lowerAscii() == self.s))',
    'self.s.replace("a", "bcd").replace("b", "cde").find("x+y+") == self.l.join(self.s)',
  ),
  rule(
    'sets and sums',
    { l: list(TEXT), n: list(NUMBER, 900_000) },
    'sets.equivalent(self.l, self.l)',
    'self.n.sum() > self.n.max()',
    'self.l.isSorted() && "a" in self.l',
  ),
  rule(
    'what may be absent',
    { s: TEXT, m: map(text(9)) },
    'self.?s.orValue("a").matches("b")',
    'self.m[?"a"].orValue(self.s).contains(self.s)',
  ),
  rule(
    'what another path hides',
    {
      l: list(object({ sub: list(object({ p: object({ many: list(TEXT), few: text(3) }) })) }), 9),
    },
    'self.l.all(x, x.sub.all(y, y.p.many.all(z, y.p.few == z)))',
  ),
  rule('what was before', { l: list(TEXT) }, 'oldSelf.l.all(x, x in self.l)'),
  tried(
    'an embedded object',
    ruled(
      object({ spec: TEXT }, { 'x-kubernetes-embedded-resource': true }),
      'self.metadata.name == self.spec && self.kind.matches("[a-z]+")',
    ),
  ),
  rule(
    'names that are escaped',
    { 'a-b': object({ namespace: list(TEXT) }) },
    'self.a__dash__b.__namespace__.all(x, x == "a")',
  ),
];

export const differs: Readonly<Record<string, string>> = {};
