// Does: turns objects and events into bytes, each version of an object once per representation, shared by every reader.
// Never decides what a reader may see.
import { writeYaml } from '../../../lib/api/yaml.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { partialObjectMetadata, toTable, type IncludeObject } from '../../../lib/api/table.ts';
import type { EventType, SeenEvent } from '../core/cache/cache-event.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import { Representations, TextSlabs } from '../core/cache/representations.ts';
import type { Page } from '../core/list-objects.ts';
import type { Form } from '../core/media-type.ts';
import type { Piece } from './part-maker.ts';

const OPEN: Record<EventType, Buffer> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const CLOSE = Buffer.from('}\n');

const slabs = new TextSlabs();

function shared(item: CachedObject, representation: string, make: () => Piece): Uint8Array {
  const known = item.encoded?.get(representation);
  if (known !== undefined) return known;
  // An event is made of the object's bytes: those may be there by then.
  const made = make();
  if (item.encoded === undefined) {
    item.encoded =
      typeof made === 'string' ? slabs.lay(representation, made) : new Representations(representation, made);
    return item.encoded.get(representation)!;
  }
  const bytes = Buffer.from(made);
  item.encoded.set(representation, bytes);
  return bytes;
}

export function itemBytes(item: CachedObject, form: Form): Uint8Array {
  if (form.as === 'partial')
    return shared(item, `partial/${form.version}`, () =>
      JSON.stringify(partialObjectMetadata(item.object, form.version)),
    );
  return shared(item, 'object', () => JSON.stringify(item.object));
}

export interface EventEncoding {
  kind: Kind;
  form: Form;
  include: IncludeObject;
  /** Milliseconds since 1970, for ages in tables. */
  now: number;
  /** Columns are told once, with the first event of a watch. */
  withColumns: boolean;
}

/** One line of a watch. */
export function eventLine(seen: SeenEvent, how: EventEncoding): Uint8Array {
  const { form, include, withColumns } = how;
  const representation =
    form.as === 'table' ? `table/${form.version}/${include}/${withColumns}` : `${form.as}/${form.version}`;
  return shared(seen.object, `${seen.type}/${representation}`, () =>
    Buffer.concat([
      OPEN[seen.type],
      form.as === 'table' ? oneRowTable(seen.object, how) : itemBytes(seen.object, form),
      CLOSE,
    ]),
  );
}

function oneRowTable(item: CachedObject, { kind, form, include, now, withColumns }: EventEncoding): Uint8Array {
  const metadata = { resourceVersion: String(item.revision) };
  const { version } = form;
  const options = { now, includeObject: include, metadata, noHeaders: !withColumns, version };
  return jsonBytes(toTable(kind, [item.object], options));
}

/** A list is made of the bytes of its items: no object is encoded twice. One piece an item. */
export function* listPieces(kind: Kind, page: Page, form: Form): Generator<Uint8Array> {
  const partial = form.as === 'partial';
  const head = {
    kind: partial ? 'PartialObjectMetadataList' : kind.listKind,
    apiVersion: partial ? `meta.k8s.io/${form.version}` : apiVersionOf(kind.ref),
    metadata: listMeta(page),
  };
  yield* enclosed(`${JSON.stringify(head).slice(0, -1)},"items":[`, page.items, (item) => itemBytes(item, form));
}

const COMMA = Buffer.from(',');
const LIST_END = Buffer.from(']}');

function* enclosed<P extends Piece>(
  begin: string,
  items: readonly CachedObject[],
  pieceOf: (item: CachedObject) => P,
): Generator<P | Uint8Array> {
  yield Buffer.from(begin);
  for (const [i, item] of items.entries()) {
    if (i > 0) yield COMMA;
    yield pieceOf(item);
  }
  yield LIST_END;
}

/** Rows tell ages: they are made anew for each answer, and stay texts until they are sent. */
export function* tablePieces(
  kind: Kind,
  page: Page,
  includeObject: IncludeObject,
  now: number,
  version?: string,
): Generator<Piece> {
  const options = { now, includeObject, metadata: listMeta(page), ...(version === undefined ? {} : { version }) };
  const { rows: _, ...head } = toTable(kind, [], options);
  const begin = `${JSON.stringify(head).slice(0, -1)},"rows":[`;
  const row = { ...options, noHeaders: true };
  const { rowOrder } = kind;
  const items = rowOrder === undefined ? page.items : page.items.toSorted((a, b) => rowOrder(a.object, b.object));
  yield* enclosed(begin, items, (item) => JSON.stringify(toTable(kind, [item.object], row).rows[0]));
}

/** A list in YAML, one item after the other: what is in an item is deeper by one level than it is alone. */
export function* yamlPieces(kind: Kind, page: Page, form: Form): Generator<Uint8Array> {
  const [first, ...items] = listPieces(kind, { ...page, items: [] }, form);
  const head = JSON.parse(`${Buffer.from(first!).toString()}${Buffer.concat(items).toString()}`) as object;
  const text = writeYaml(head);
  if (page.items.length === 0) return yield Buffer.from(text);
  yield Buffer.from(text.replace(/items: \[\]\n$/, 'items:\n'));
  for (const item of page.items) {
    const one = writeYaml([JSON.parse(Buffer.from(itemBytes(item, form)).toString())]);
    yield Buffer.from(one.replaceAll(/^(?!$)/gm, '  '));
  }
}

/** `includeObject` of the query. */
/** What a table is to hold of its objects; one who asks for what there is not is told, others did not ask. */
export function checkInclude(text: string | null, form: Form): void {
  if (form.as !== 'table' || ['', 'Object', 'None', 'Metadata'].includes(text ?? '')) return;
  const told = `includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw new ApiError('BadRequest', `Unable to convert to Table as requested: ${told}`);
}

export function includeOf(text: string | null): IncludeObject {
  return text === 'Object' || text === 'None' ? text : 'Metadata';
}

/** The list as an object, for the bus. */
export function listObject(kind: Kind, page: Page): object {
  return {
    kind: kind.listKind,
    apiVersion: apiVersionOf(kind.ref),
    metadata: listMeta(page),
    items: page.items.map((item) => item.object),
  };
}

function listMeta(page: Page): Record<string, unknown> {
  return {
    ...(page.revision === 0 ? {} : { resourceVersion: String(page.revision) }),
    ...(page.continue === '' ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}

export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
