// Shows that a list in pieces is one well-formed document with all its items, in each form. Never speaks HTTP.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { parse } from 'yaml';
import { cachedObject, encodeStored } from '../core/cache/cached-object.ts';
import { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { Form } from '../core/media-type.ts';
import { ServedKinds } from '../core/served-kinds.ts';
import { keyOf } from '../core/storage-key.ts';
import { itemBytes, listPieces, tablePieces, yamlPieces } from './encode.ts';
import type { Piece } from './part-maker.ts';

const CONFIG_MAPS = new ServedKinds(new ClusterCache([], 0)).table.find('', 'v1', 'configmaps')!;
const JSON_FORM: Form = { as: 'object', version: 'v1', mediaType: 'application/json' };

const pageOf = (values: readonly string[]): Parameters<typeof listPieces>[1] => ({
  items: values.map((value, i) => {
    const at = { key: `x/n${i}`, namespace: 'x', name: `n${i}` };
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'x', name: `n${i}` },
      data: { value },
    };
    return cachedObject(at, object, i + 1, i + 1);
  }),
  revision: 7,
  continue: '',
  remaining: undefined,
});
const textOf = (pieces: Iterable<Piece>): string =>
  Array.from(pieces, (piece) => Buffer.from(piece).toString()).join('');

/** With line breaks, leading spaces and what YAML reads as something else. */
const value = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', ' ', '\n', '-', ':', '#', '|', '\t', '"', 'ü'), maxLength: 40 }),
  fc.string({ maxLength: 200 }),
  fc.constantFrom('', '\n', ' \n x', 'a\n\n  b\n', 'true', '0x1', '- a', 'x'.repeat(200).replaceAll('xx', 'x ')),
);

test('JSON and YAML of any list hold the same', (t) => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      const page = pageOf(values);
      const json = JSON.parse(textOf(listPieces(CONFIG_MAPS, page, JSON_FORM))) as { items: unknown[] };
      t.is(json.items.length, values.length);
      const yaml = textOf(yamlPieces(CONFIG_MAPS, page, { ...JSON_FORM, mediaType: 'application/yaml' }));
      t.deepEqual(parse(yaml), json);
    }),
    { numRuns: 200 },
  );
});

test('the bytes of an object are those of its present version, made once for all who read it', (t) => {
  const cache = new ClusterCache([], 0);
  const at = { stream: 'core/configmaps', namespace: 'x', name: 'n' };
  const get = (): Uint8Array => itemBytes(cache.get(at)!, JSON_FORM);
  for (const [revision, value] of ['one', 'two'].entries()) {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'x', name: 'n' }, data: { value } };
    const change = { type: 'put' as const, key: keyOf(at), value: encodeStored(object), createRevision: 1 };
    cache.apply([{ revision: revision + 1, cause: { span: 's', actor: 'a' }, changes: [change] }]);
    t.is(JSON.parse(Buffer.from(get()).toString()).data.value, value);
    t.is(JSON.parse(Buffer.from(get()).toString()).metadata.resourceVersion, String(revision + 1));
    const placeOf = ({ buffer, byteOffset }: Uint8Array): [ArrayBufferLike, number] => [buffer, byteOffset];
    const [first, again] = [placeOf(get()), placeOf(get())];
    t.true(first[0] === again[0] && first[1] === again[1]);
  }
});

test('a table has a row an item', (t) => {
  const table = JSON.parse(textOf(tablePieces(CONFIG_MAPS, pageOf(['a', 'b']), 'Metadata', 0)));
  t.is(table.kind, 'Table');
  t.is(table.metadata.resourceVersion, '7');
  t.is(table.columnDefinitions.length, 3);
  t.deepEqual(
    table.rows.map((row: any) => row.cells[0]),
    ['n0', 'n1'],
  );
  t.is(table.rows[0].object.kind, 'PartialObjectMetadata');
});
