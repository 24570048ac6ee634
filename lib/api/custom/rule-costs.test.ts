// Shows which rules are refused for what they cost, and that those that are kept are not.
import test from 'ava';
import { validateSpec } from './validate-definition.ts';

const spec = (rule: string, more: object = {}): object => ({
  group: 'cost.example.com',
  scope: 'Cluster',
  names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
  conversion: { strategy: 'None' },
  versions: [
    {
      name: 'v1',
      served: true,
      storage: true,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            'a-b': { type: 'object' },
            l: { type: 'array', maxItems: 2_000, items: { type: 'string', maxLength: 100 } },
            ...more,
          },
          'x-kubernetes-validations': [{ rule }],
        },
      },
    },
  ],
});

const DEAR = 'self.l.all(x, self.l.exists_one(y, x == y))';
const messages = (now: object, before?: object): string[] => validateSpec(now, before).map(({ message }) => message);

test('a rule that costs too much is refused, but not where its version stays as it is', (t) => {
  const [told, ...others] = messages(spec(DEAR));
  t.regex(told!, /^Forbidden: estimated rule cost exceeds budget by factor of 17\.\dx /);
  t.is(others.length, 2, 'and all together cost too much');
  t.regex(messages(spec(DEAR, { more: { type: 'string' } }), spec(DEAR))[0]!, /estimated rule cost/);
  t.deepEqual(
    messages(spec(DEAR), spec(DEAR)).filter((message) => message.includes('estimated rule cost exceeds')),
    [],
  );
  t.deepEqual(messages(spec('self.l.all(x, x.size() > 3) && has(self.a__dash__b)')), []);
});
