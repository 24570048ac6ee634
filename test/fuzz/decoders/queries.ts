// Decides how what stands in a path or a query is fuzzed: selectors, continue tokens, paths, quantities, CEL. Never asks an API.
import fc from '../../kit/fast-check.ts';
import { CelError, compileCel } from '../../../lib/api/cel/cel.ts';
import { celOf } from '../../../lib/api/cel/values.ts';
import { parseFieldSelector } from '../../../lib/api/field-selectors.ts';
import { canonicalQuantity, compareQuantities } from '../../../lib/api/quantity.ts';
import { matchesLabels, parseLabelSelector } from '../../../lib/api/selectors.ts';
import { decodeContinue, encodeContinue } from '../../../services/apiserver/core/continue-token.ts';
import { listOptions } from '../../../services/apiserver/core/list-options.ts';
import { parseAccept } from '../../../services/apiserver/core/media-type.ts';
import { requestInfo } from '../../../services/apiserver/core/request-info.ts';
import { decoder, isRefusal, type Decoder } from '../decoder.ts';
import { damaged, JSON_VALUES, KEYS, STORED } from '../inputs.ts';

const POD = STORED.find(({ ref }) => ref.resource === 'pods')!;
const SELECTORS = fc.constantFrom(
  'a=b',
  'a!=b,c',
  'x in (a,b),!y',
  'a notin (x)',
  'k8s.io/a==b',
  'a>1,b<2',
  'metadata.name=a',
  'spec.nodeName!=x',
);
const EXPRESSIONS = fc.constantFrom(
  'self.a.b == 1 && self.list.all(x, x > 0)',
  'self.list.map(x, self.list.map(y, x * y)).size() < 100',
  '"a".matches("(a+)+$") || self.text.replace("a", "aa") == ""',
  'Object{spec: Object.spec{a: [1, {"b": 2}]}}',
  '[1, 2].filter(x, x % 0 == 1)',
  'quantity("1Gi").add(quantity("1")).asInteger() > 0',
  'self.?a.?b.orValue(dyn(1)) == timestamp("2026-01-01T00:00:00Z")',
  '{"a": 1}[self.text] + int("9223372036854775807")',
  'url(self.text).getHost() == ip("::1") || "%s".format([self])',
  'has(self.__proto__) || self.constructor.name == ""',
);
const isCel = (error: unknown): boolean => error instanceof CelError;

export const queries: Decoder[] = [
  decoder({
    name: 'label-selector',
    input: damaged(SELECTORS, [',', '(', ')', '=', '!', ' in ', '/', '\u0000', '__proto__']),
    decode: (text) => void matchesLabels(parseLabelSelector(text), { a: 'b' }),
  }),
  decoder({
    name: 'field-selector',
    input: damaged(SELECTORS, [',', '=', '\\', '!', '__proto__=1', 'constructor=x']),
    decode: (text) => void parseFieldSelector(text, POD),
  }),
  decoder({
    name: 'continue-token',
    input: fc.oneof(
      damaged(
        fc.tuple(fc.integer(), fc.string()).map(([revision, after]) => encodeContinue({ revision, after })),
        ['=', '-', '_', '+', '%'],
      ),
      JSON_VALUES.map((value) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url')),
    ),
    decode: (text) => void decodeContinue(text),
  }),
  decoder({
    name: 'query',
    input: fc.tuple(
      fc.array(
        fc.tuple(
          fc.constantFrom(
            'limit',
            'continue',
            'resourceVersion',
            'resourceVersionMatch',
            'timeoutSeconds',
            'watch',
            'sendInitialEvents',
            'labelSelector',
          ),
          fc.oneof(fc.string(), fc.constantFrom('0', '1', '-1', '9'.repeat(30), 'true', 'Exact', 'NotOlderThan')),
        ),
        { maxLength: 4 },
      ),
      fc.boolean(),
      fc.string(),
    ),
    decode([entries, isWatch, accept]) {
      parseAccept(accept);
      listOptions(new URLSearchParams(entries), POD, isWatch);
    },
  }),
  decoder({
    name: 'path',
    input: fc.tuple(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'TRACE', '__proto__'),
      damaged(
        fc
          .array(
            fc.oneof(
              KEYS,
              fc.constantFrom('api', 'apis', 'v1', 'namespaces', 'watch', 'proxy', '%2e%2e', '%00', '%ff'),
            ),
            { maxLength: 8 },
          )
          .map((parts) => `/${parts.join('/')}`),
        ['/', '//', '%', '%zz', '..'],
      ),
    ),
    decode: ([method, path]) => void requestInfo(method, path, new URLSearchParams('watch=1')),
  }),
  decoder({
    name: 'quantity',
    input: damaged(fc.constantFrom('1', '100m', '1.5Gi', '1e3', '-0', '.5', '1E-9', '9'.repeat(40)), [
      'e',
      'E',
      '-',
      '+',
      '.',
      'i',
      'K',
      'n',
      '0',
    ]),
    decode(text) {
      const canonical = canonicalQuantity(text);
      if (canonical !== undefined && compareQuantities(text, canonical) === -1)
        throw new Error(`${text} lost something`);
    },
  }),
  decoder({
    name: 'cel',
    input: fc.tuple(
      damaged(EXPRESSIONS, ['(', ')', '{', '}', '[', '.', '"', '?', '+', '?.', 'x', '1', '9223372036854775808', '||']),
      JSON_VALUES,
    ),
    decode([expression, value]) {
      const self = celOf({ text: 'aaaa', list: [1, 2, 3], a: value });
      compileCel(expression).run({ self, object: self });
    },
    mayRefuse: (error) => isCel(error) || isRefusal(error),
  }),
];
