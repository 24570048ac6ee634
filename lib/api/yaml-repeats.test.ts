// Shows where keys that come again are found. Never refuses one.
import test from 'ava';
import { repeatedKeys } from './yaml-repeats.ts';

test('each key that comes again is told by its line', (t) => {
  const text = 'apiVersion: v1\nspec:\n  foo: 1\n  bar: {a: 1, a: 2}\n  foo: 2\nitems:\n- x: 1\n  x: 2\n- x: 3\n';
  t.deepEqual(repeatedKeys(text).toSorted(), [
    'line 4: key "a" already set in map',
    'line 5: key "foo" already set in map',
    'line 8: key "x" already set in map',
  ]);
});

test('JSON is told alike; what has none, or cannot be read, is told nothing', (t) => {
  t.deepEqual(repeatedKeys('{"data":\n{"a":"1","a":"2"}}'), ['line 2: key "a" already set in map']);
  t.deepEqual(repeatedKeys('a: {b: 1}\nb: {a: 1}\n'), []);
  t.deepEqual(repeatedKeys('a: [\n'), []);
});
