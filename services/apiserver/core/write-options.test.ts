// Shows which options of a request are refused, in whose words, and which numbers a query may hold.
import test from 'ava';
import { kindFor } from '../../../lib/api/kind.ts';
import { listOptions } from './list-options.ts';
import { patchOptions } from './pipeline/apply.ts';
import { decodedOptions, deleteOptions } from './pipeline/delete.ts';
import { durationProblem } from './query-number.ts';
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
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\x07b": invalid character U+0007 (at position 1)',
  });
  t.notThrows(() => options('fieldManager=kubectl-client%20%C3%BC%E2%82%AC%F0%9F%98%80'));
});

test('all that is wrong with options is told at once', (t) => {
  t.throws(() => options('dryRun=All&dryRun=foo&fieldValidation=x'), {
    message:
      'CreateOptions.meta.k8s.io "" is invalid: [dryRun: Unsupported value: []string{"All", "foo"}: supported values: "All", ' +
      'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"]',
  });
  t.throws(() => patchOptions(new URLSearchParams('dryRun=foo'), true), {
    message: /is invalid: \[fieldManager: Required value: is required for apply patch, dryRun: Unsupported/,
  });
});

test('with a body, the query of a deletion says nothing', (t) => {
  const query = new URLSearchParams('dryRun=All&gracePeriodSeconds=3');
  t.deepEqual(deleteOptions({}, query), { dryRun: false });
  t.deepEqual(deleteOptions(undefined, query), { dryRun: true, gracePeriodSeconds: 3 });
  t.throws(() => decodedOptions({ kind: 'Pod' }), { message: /^no kind "Pod" is registered for version "v1"/ });
  t.throws(() => decodedOptions({ gracePeriodSeconds: 'x' }), {
    message: 'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
  });
});

test('durations are those of Go', (t) => {
  for (const text of ['1s', '0', '-1.5h', '1h30m', '.5s', '3µs']) t.is(durationProblem(text), undefined, text);
  t.is(durationProblem('abc'), 'time: invalid duration "abc"');
  t.is(durationProblem('1'), 'time: missing unit in duration "1"');
  t.is(durationProblem('1d'), 'time: unknown unit "d" in duration "1d"');
});

test('numbers are those of 64 bits, and others are told as Go does', (t) => {
  const kind = kindFor('', 'v1', 'pods')!;
  const limitOf = (text: string): number => listOptions(new URLSearchParams({ limit: text }), kind, false).limit;
  t.is(limitOf('500'), 500);
  t.is(limitOf('9223372036854775807'), Number.MAX_SAFE_INTEGER);
  t.is(limitOf('-1'), 0);
  t.throws(() => limitOf('abc'), { message: 'strconv.ParseInt: parsing "abc": invalid syntax' });
  t.throws(() => limitOf('9223372036854775808'), { message: /value out of range/ });
  const grace = (text: string) => deleteOptions(undefined, new URLSearchParams({ gracePeriodSeconds: text }));
  t.deepEqual(grace('-5'), { gracePeriodSeconds: -5, dryRun: false });
  t.throws(() => grace('1s'), { message: 'strconv.ParseInt: parsing "1s": invalid syntax' });
});
