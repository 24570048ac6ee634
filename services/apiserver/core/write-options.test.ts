// Shows which options of a request are refused, in whose words, and which numbers a query may hold.
import test from 'ava';
import { kindFor } from '../../../lib/api/kind.ts';
import { listOptions } from './list-options.ts';
import { deleteOptions } from './pipeline/delete.ts';
import { writeOptions } from './write-options.ts';

const options = (query: string, kind = 'CreateOptions') => writeOptions(new URLSearchParams(query), kind);

test('a refusal names the options of its verb', (t) => {
  t.throws(() => options('fieldValidation=Bogus'), {
    message: /^CreateOptions\.meta\.k8s\.io "" is invalid: fieldVal/,
  });
  t.throws(() => options('dryRun=x', 'UpdateOptions'), {
    message: /^UpdateOptions\.meta\.k8s\.io "" is invalid: dryRun/,
  });
});

test('a field manager is printable', (t) => {
  t.throws(() => options('fieldManager=a%07b'), {
    message:
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\u0007b": should only contain printable characters',
  });
  t.notThrows(() => options('fieldManager=kubectl-client%20%C3%BC%E2%82%AC%F0%9F%98%80'));
});

test('numbers are those of 64 bits, and others are told as Go does', (t) => {
  const kind = kindFor('', 'v1', 'pods')!;
  const limitOf = (text: string): number => listOptions(new URLSearchParams({ limit: text }), kind, false).limit;
  t.is(limitOf('500'), 500);
  t.is(limitOf('9223372036854775807'), Number.MAX_SAFE_INTEGER);
  t.is(limitOf('-1'), 0);
  t.throws(() => limitOf('abc'), { message: 'strconv.ParseInt: parsing "abc": invalid syntax' });
  t.throws(() => limitOf('9223372036854775808'), { message: /value out of range/ });
  const grace = (text: string) => deleteOptions({}, new URLSearchParams({ gracePeriodSeconds: text }));
  t.deepEqual(grace('-5'), { gracePeriodSeconds: -5 });
  t.throws(() => grace('1s'), { message: 'strconv.ParseInt: parsing "1s": invalid syntax' });
});
