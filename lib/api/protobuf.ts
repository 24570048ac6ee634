// Decides how Kubernetes' protobuf bodies read as JSON objects, from the table of field numbers alone. Never writes
// protobuf (clients accept JSON answers) and never checks values (lib/api/canonical.ts does, on the result).
import { requireExact } from './exact-numbers.ts';
import { typeSchema, type FieldSchema, type TypeSchema } from './schema.ts';

const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** `apps/v1`, `Deployment` → `apps.v1.Deployment`; the table's short group names are the first label of the group. */
export function typeNameOf(apiVersion: string, kind: string): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return `${group === '' ? 'core' : group!.split('.')[0]}.${version}.${kind}`;
}

function isProtobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Decodes `k8s\0` + runtime.Unknown. Options (DeleteOptions, …) of any group are meta.v1's. Throws SyntaxError on damaged
 * bytes or an unknown type; unknown field numbers are skipped (a newer client's).
 */
export function decodeProtobuf(bytes: Uint8Array): Record<string, any> {
  if (!isProtobuf(bytes))
    throw new SyntaxError(
      bytes.length === 0
        ? 'empty data'
        : 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  if (bytes.length === MAGIC.length) throw new SyntaxError('empty body');
  const envelope = lastFields(bytes.subarray(4));
  const typeMeta = envelope.get(1);
  const typed = typeMeta instanceof Uint8Array ? lastFields(typeMeta) : new Map<number, WireValue>();
  const apiVersion = textOf(typed.get(1));
  const kind = textOf(typed.get(2));
  const schema = typeSchema(typeNameOf(apiVersion, kind)) ?? typeSchema(`meta.v1.${kind}`);
  if (schema === undefined || apiVersion === '' || kind === '')
    throw new SyntaxError(`no kind "${kind}" is registered for version "${apiVersion}"`);
  const raw = envelope.get(2);
  return { apiVersion, kind, ...decodeMessage(schema, raw instanceof Uint8Array ? raw : new Uint8Array(), 0) };
}

type WireValue = bigint | number | Uint8Array;

function lastFields(bytes: Uint8Array): Map<number, WireValue> {
  return new Map(wireFields(bytes));
}

function textOf(value: WireValue | undefined): string {
  if (!(value instanceof Uint8Array)) return '';
  try {
    return UTF8.decode(value);
  } catch (error) {
    throw new SyntaxError('damaged protobuf: a text is not valid UTF-8', { cause: error });
  }
}

function* wireFields(bytes: Uint8Array): Generator<[number, WireValue]> {
  let i = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[i++];
      if (byte === undefined) break;
      result |= BigInt(byte & 127) << shift;
      if (byte < 128) return result;
    }
    throw new SyntaxError(`damaged protobuf: a number ends outside of the ${bytes.length} bytes of its message`);
  };
  while (i < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (wire === 0) yield [tag >>> 3, varint()];
    else {
      const length = wire === 2 ? Number(varint()) : wire === 1 ? 8 : wire === 5 ? 4 : -1;
      if (length < 0 || i + length > bytes.length)
        throw new SyntaxError(`damaged protobuf: field ${tag >>> 3} (wire type ${wire}) ends outside of its message`);
      const part = bytes.subarray(i, i + length);
      i += length;
      yield [tag >>> 3, wire === 2 ? part : fixedOf(part)];
    }
  }
}

function fixedOf(part: Uint8Array): number {
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  return part.byteLength === 8 ? view.getFloat64(0, true) : view.getFloat32(0, true);
}

const DEEPEST = 100;

function decodeMessage(schema: TypeSchema, bytes: Uint8Array, depth: number): any {
  if (depth > DEEPEST) throw new SyntaxError(`damaged protobuf: nested deeper than ${DEEPEST}`);
  if (schema.jsonForm === 'list') return [...wireFields(bytes)].map(([, value]) => textOf(value));
  const out: Record<string, any> = {};
  for (const [number, value] of wireFields(bytes)) {
    const field = schema.byNumber.get(number);
    if (field === undefined) continue;
    if (field.inline) Object.assign(out, valueOf(field.type, value, depth));
    else if (field.shape === 'list') (out[field.name] ??= []).push(valueOf(field.type, value, depth));
    else if (field.shape === 'map') addEntry((out[field.name] ??= {}), field, value, depth);
    else addField(out, field, valueOf(field.type, value, depth));
  }
  // JSON of a schema union is the schema when there is one, else its other branch.
  if (schema.jsonForm !== undefined)
    return out['schema'] ?? out['jSONSchemas'] ?? out['property'] ?? out['allows'] ?? null;
  return out;
}

function addField(out: Record<string, any>, field: FieldSchema, value: unknown): void {
  // Go always writes plain scalars: their zero means "not given" unless the field is a pointer.
  const isZero = value === '' || value === 0 || value === false;
  if (value !== undefined && !(isZero && field.omitEmpty && !field.pointer)) out[field.name] = value;
}

function addEntry(map: Record<string, any>, field: FieldSchema, value: WireValue, depth: number): void {
  if (!(value instanceof Uint8Array)) return;
  const entry = lastFields(value);
  const key = textOf(entry.get(1));
  const item = entry.get(2);
  Object.defineProperty(map, key, {
    value: item === undefined ? (field.type === 'quantity' ? '0' : '') : valueOf(field.type, item, depth),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function signed(value: WireValue | undefined): number {
  if (typeof value !== 'bigint') return typeof value === 'number' ? value : 0;
  const whole = BigInt.asIntN(64, value);
  requireExact(String(whole));
  return Number(whole);
}

function valueOf(type: string, value: WireValue, depth: number): any {
  switch (type) {
    case 'string':
      return textOf(value);
    case 'int32':
    case 'int64':
    case 'double':
      return signed(value);
    case 'bool':
      return signed(value) !== 0;
  }
  if (!(value instanceof Uint8Array)) throw new SyntaxError(`damaged protobuf: a ${type} is given as a number`);
  switch (type) {
    case 'bytes':
      return value.toBase64();
    case 'quantity':
      return textOf(lastFields(value).get(1)) || '0';
    case 'intOrString': {
      const parts = lastFields(value);
      return signed(parts.get(1)) === 1 ? textOf(parts.get(3)) : signed(parts.get(2));
    }
    case 'time':
    case 'microTime':
      return timeOf(value, type === 'microTime');
    case 'duration':
      return durationText(signed(lastFields(value).get(1)));
    case 'raw':
    case 'json':
    case 'fieldsV1':
      return rawJson(textOf(lastFields(value).get(1)));
  }
  const schema = typeSchema(type);
  return schema === undefined ? undefined : decodeMessage(schema, value, depth + 1);
}

function timeOf(bytes: Uint8Array, micro: boolean): string | undefined {
  const parts = lastFields(bytes);
  if (!parts.has(1) && !parts.has(2)) return undefined;
  const ms = signed(parts.get(1)) * 1000;
  // Go's zero time is year 1: "not given".
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15 || ms <= -62_135_596_800_000) return undefined;
  const seconds = new Date(ms).toISOString().slice(0, 19);
  return micro ? `${seconds}.${String(Math.trunc(signed(parts.get(2)) / 1000)).padStart(6, '0')}Z` : `${seconds}Z`;
}

/** Go's text of a duration in whole units: `1m30s`. */
export function durationText(nanos: number): string {
  if (nanos === 0) return '0s';
  const seconds = nanos / 1e9;
  const hours = Math.trunc(seconds / 3600);
  const minutes = Math.trunc((seconds % 3600) / 60);
  return `${hours === 0 ? '' : `${hours}h`}${hours === 0 && minutes === 0 ? '' : `${minutes}m`}${seconds % 60}s`;
}

function rawJson(json: string): unknown {
  if (json === '') return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw new SyntaxError('damaged protobuf: a raw JSON field is no JSON');
  }
}
