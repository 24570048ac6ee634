import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { printPath } from './conflicts.ts';
import {
  difference,
  format,
  hasPath,
  intersection,
  isEmpty,
  parse,
  pathsOf,
  recursiveDifference,
  setOf,
  union,
  type Fields,
  type Path,
} from './fields.ts';
import { keyElement, normalElement, printElement } from './path-element.ts';

const paths = fc.array(
  fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"name":"c"}', 'v:"x"', 'v:1'), { minLength: 1, maxLength: 4 }),
  { maxLength: 8 },
);
const told = (list: Iterable<Path>): string[] => [...new Set([...list].map((path) => path.join(' ')))].toSorted();
const toldOf = (fields: Fields): string[] => told(pathsOf(fields));
const startsWithOneOf = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix} `));

test('sets behave as sets of paths', (t) => {
  fc.assert(
    fc.property(paths, paths, (left, right) => {
      const [a, b] = [setOf(...left), setOf(...right)];
      const [inA, inB] = [told(left), told(right)];
      t.deepEqual(toldOf(a), inA);
      t.deepEqual(toldOf(union(a, b)), told([...left, ...right]));
      t.deepEqual(
        toldOf(intersection(a, b)),
        inA.filter((path) => inB.includes(path)),
      );
      t.deepEqual(
        toldOf(difference(a, b)),
        inA.filter((path) => !inB.includes(path)),
      );
      t.deepEqual(
        toldOf(recursiveDifference(a, b)),
        inA.filter((path) => !startsWithOneOf(path, inB)),
      );
      for (const path of [...left, ...right]) t.is(hasPath(a, path), inA.includes(path.join(' ')));
      t.is(isEmpty(a), left.length === 0);
      t.deepEqual([setOf(...left), setOf(...right)], [a, b], 'arguments stay as they are');
    }),
  );
});

test('laws of sets hold, and equal sets are equal bytes', (t) => {
  const bytes = (fields: Fields): string => JSON.stringify(format(fields));
  fc.assert(
    fc.property(paths, paths, paths, (left, middle, right) => {
      const [a, b, c] = [setOf(...left), setOf(...middle), setOf(...right)];
      t.is(bytes(union(a, b)), bytes(union(b, a)));
      t.is(bytes(union(union(a, b), c)), bytes(union(a, union(b, c))));
      t.is(bytes(intersection(a, union(b, c))), bytes(union(intersection(a, b), intersection(a, c))));
      t.is(bytes(difference(a, union(b, c))), bytes(difference(difference(a, b), c)));
      t.is(bytes(union(difference(a, b), intersection(a, b))), bytes(a));
      t.true(isEmpty(intersection(difference(a, b), b)));
      t.is(bytes(union(a, a)), bytes(a));
      t.true(isEmpty(difference(a, a)));
    }),
  );
});

test('what is written reads as the same set', (t) => {
  fc.assert(
    fc.property(paths, (list) => {
      const set = setOf(...list);
      const written = JSON.parse(JSON.stringify(format(set))) as unknown;
      t.deepEqual(parse(written), set);
    }),
  );
});

test('elements are in order, the field itself first', (t) => {
  const set = setOf(['f:z'], ['f:a', 'f:b'], ['f:a'], ['f:a', 'f:a']);
  t.is(JSON.stringify(format(set)), '{"f:a":{".":{},"f:a":{},"f:b":{}},"f:z":{}}');
});

test('keys come to one form, elements of an unknown sort are left out', (t) => {
  const read = parse({
    'f:ports': { 'k:{"protocol":"TCP", "containerPort":80}': { '.': {} } },
    'x:later': { 'f:a': {} },
    'f:only': { 'x:later': {} },
  });
  t.deepEqual(read, {
    'f:ports': {
      [keyElement([
        ['containerPort', 80],
        ['protocol', 'TCP'],
      ])]: {},
    },
    'f:only': {},
  } as unknown as Fields);
  t.deepEqual(parse({ 'k:{"b":1,"a":2}': {}, 'k:{"a":2,"b":1}': { 'f:x': {} } }), {
    'k:{"a":2,"b":1}': { '.': {}, 'f:x': {} },
  } as unknown as Fields);
});

for (const broken of ['f', 'nonsense', 'k:[1]', 'k:{', 'v:', 'i:x'])
  test(`not a path element: ${broken}`, (t) => {
    t.throws(() => parse({ [broken]: {} }), { instanceOf: SyntaxError });
  });

for (const broken of [null, 1, 'x', [], { 'f:a': 1 }, { 'f:a': { 'f:b': null } }])
  test(`not a set of fields: ${JSON.stringify(broken)}`, (t) => {
    t.throws(() => parse(broken), { instanceOf: SyntaxError });
  });

test('a field may have the name of anything that objects have', (t) => {
  const set = setOf(['f:__proto__', 'f:constructor'], ['f:toString']);
  t.deepEqual(toldOf(parse(JSON.parse(JSON.stringify(set)))), ['f:__proto__ f:constructor', 'f:toString']);
});

test('paths read as people know them', (t) => {
  t.is(
    printPath(['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name']),
    '.spec.ports[containerPort=80,protocol="TCP"].name',
  );
  t.is(printPath(['f:metadata', 'f:finalizers', 'v:"x.io/f"']), '.metadata.finalizers[="x.io/f"]');
  t.is(printPath(['f:metadata', 'f:labels', 'f:a.b/c']), '.metadata.labels.a.b/c');
  t.is(printElement(normalElement('i:07')!), '[7]');
});
