import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { matchesFields, parseFieldSelector } from './field-selectors.ts';
import {
  formatRequirements,
  formatSelector,
  matchesLabels,
  parseLabelSelector,
  requirementsOf,
  selects,
  validateSelector,
} from './selectors.ts';

const matches = (text: string, labels: Record<string, string>): boolean =>
  matchesLabels(parseLabelSelector(text), labels);

test('every operator, and what an absent label means to it', (t) => {
  t.true(matches('app=web,tier in (a, b),!gone', { app: 'web', tier: 'b' }));
  t.true(matches('app==web', { app: 'web' }));
  t.false(matches('app=web', {}));
  t.true(matches('app!=web', {}), '!= matches objects that lack the key');
  t.true(matches('app notin (web)', {}));
  t.false(matches('app notin (web,x)', { app: 'x' }));
  t.true(matches('app', { app: '' }));
  t.true(matches('app=', { app: '' }));
  t.true(matches('x in (,a)', { x: '' }));
  t.true(matches('n>3,n<5', { n: '4' }));
  t.false(matches('n>3', { n: 'four' }));
  t.true(matches('', { any: 'thing' }));
  t.true(matches('example.com/role in (x)', { 'example.com/role': 'x' }));
});

test('broken selectors are refused with the words of the real server', (t) => {
  const refused = (text: string): string => t.throws(() => parseLabelSelector(text), undefined, text).message;
  t.is(refused('a===b'), "unable to parse requirement: found '=', expected: identifier");
  t.is(refused(','), "unable to parse requirement: found ',', expected: identifier");
  t.is(refused('a in b'), "unable to parse requirement: found 'b', expected: '('");
  t.regex(refused('a in ()'), /values set can't be empty/);
  t.regex(refused('a in (b'), /found '', expected: ',' or '\)'/);
  t.regex(refused('a,'), /expected: identifier after ','/);
  t.regex(refused('a b'), /found 'b', expected: in, notin, =, ==, !=, gt, lt/);
  t.regex(refused('-a=b'), /name part must consist of/);
  t.regex(refused(`a=${'x'.repeat(64)}`), /must be no more than 63 characters/);
  t.regex(refused('a>b'), /the value must be an integer/);
});

test('a LabelSelector object: absent selects nothing, empty everything', (t) => {
  t.false(selects(undefined, { a: 'b' }));
  t.true(selects({}, undefined));
  t.true(selects({ matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'DoesNotExist' }] }, { a: 'b' }));
  t.is(
    formatSelector({
      matchLabels: { b: '1', a: '2' },
      matchExpressions: [{ key: 'z', operator: 'In', values: ['y', 'x'] }],
    }),
    'a=2,b=1,z in (x,y)',
  );
  t.is(formatSelector(undefined), '<none>');
});

test('broken fields of a LabelSelector object', (t) => {
  const errors = validateSelector(
    {
      matchLabels: { 'a b': 'c' },
      matchExpressions: [
        { key: 'k', operator: 'In' },
        { key: 'k', operator: 'Exists', values: ['v'] },
        { key: 'k', operator: 'Like' },
      ],
    },
    'spec.selector',
  );
  t.deepEqual(
    errors.map((error) => [error.path, error.code]),
    [
      ['spec.selector.matchLabels', 'FieldValueInvalid'],
      ['spec.selector.matchExpressions[0].values', 'FieldValueRequired'],
      ['spec.selector.matchExpressions[1].values', 'FieldValueForbidden'],
      ['spec.selector.matchExpressions[2].operator', 'FieldValueInvalid'],
    ],
  );
});

test('property: a selector printed and read again selects the same', (t) => {
  const word = fc.constantFrom('a', 'b', 'c', 'd.e/f');
  const value = fc.constantFrom('x', 'y', 'z');
  const requirement = fc.record({
    key: word,
    operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
    values: fc.uniqueArray(value, { minLength: 1 }),
  });
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 4 }), fc.dictionary(word, value), (matchExpressions, labels) => {
      const requirements = requirementsOf({ matchExpressions })!;
      return matchesLabels(requirements, labels) === matches(formatRequirements(requirements), labels);
    }),
  );
  t.pass();
});

const KIND = {
  fields: {
    'metadata.name': (object: any) => object.metadata.name,
    'spec.nodeName': (object: any) => object.spec?.nodeName ?? '',
  },
};

test('field selectors: =, ==, !=, escapes, and fields that the kind does not list', (t) => {
  const object: any = { metadata: { name: 'p' }, spec: { nodeName: 'n,1' } };
  const fits = (text: string): boolean => matchesFields(parseFieldSelector(text, KIND), KIND, object);
  t.true(fits('metadata.name=p,spec.nodeName!=n2'));
  t.true(fits('spec.nodeName=n\\,1'));
  t.false(fits('metadata.name==q'));
  t.true(fits(''));
  t.is(t.throws(() => parseFieldSelector('spec.foo=1', KIND)).message, 'field label not supported: spec.foo');
  t.throws(() => parseFieldSelector('constructor=1', KIND), { message: 'field label not supported: constructor' });
  t.regex(t.throws(() => parseFieldSelector('nonsense', KIND)).message, /can't understand 'nonsense'/);
});
