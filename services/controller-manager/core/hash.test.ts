// Shows that names derived from content are stable, sensitive to every change, and valid.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { canonicalJson, nameSuffix, templateHash } from './hash.ts';

test('the same template gives the same hash for ever: old ReplicaSets must be found again after an upgrade', (t) => {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
  t.is(templateHash(template, 0), templateHash(structuredClone(template), 0));
  t.is(templateHash(template, 0), '6bc7b77db7');
  t.not(templateHash(template, 1), templateHash(template, 0));
});

test('order of keys, null and absence do not count; everything else does', (t) => {
  t.is(
    canonicalJson({ b: 1, a: [undefined, { d: null, c: 2 }] }),
    canonicalJson({ a: [null, { c: 2 }], b: 1, e: undefined }),
  );
  t.not(canonicalJson({ a: {} }), canonicalJson({}));
  t.not(canonicalJson({ a: '1' }), canonicalJson({ a: 1 }));
});

test('different JSON is never written the same', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const isEqual = canonicalJson(a) === canonicalJson(b);
      if (isEqual) t.is(canonicalJson(JSON.parse(canonicalJson(a))), canonicalJson(b));
      t.is(canonicalJson(a), canonicalJson(structuredClone(a)));
    }),
  );
  t.pass();
});

test('suffixes are spread: a thousand neighbours hardly meet', (t) => {
  const suffixes = new Set(Array.from({ length: 1000 }, (_, i) => nameSuffix(`uid/7/${i}`)));
  t.true(suffixes.size >= 998);
  for (const suffix of suffixes) t.regex(suffix, /^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});
