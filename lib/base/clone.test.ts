// Decides whether a copy is whole and shares nothing. Never reads anything but its own values.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { cloneJson } from './clone.ts';

test('any JSON value is copied as structuredClone copies it', (t) => {
  fc.assert(fc.property(fc.jsonValue(), (value) => t.deepEqual(cloneJson(value), structuredClone(value))));
  t.pass();
});

test('nothing is shared', (t) => {
  const value = { a: { b: [{ c: 1 }] } };
  const copy = cloneJson(value);
  copy.a.b[0]!.c = 2;
  copy.a.b.push({ c: 3 });
  t.deepEqual(value, { a: { b: [{ c: 1 }] } });
});

test('a key that names the prototype stays a key', (t) => {
  const copy = cloneJson(JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>);
  t.is(Object.getPrototypeOf(copy), Object.prototype);
  t.deepEqual(Object.keys(copy), ['__proto__']);
  t.is((copy as { polluted?: boolean }).polluted, undefined);
});
