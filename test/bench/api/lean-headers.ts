// Does: packs the headers of a request as HPACK and finds the status in those of an answer. Never decodes a header that it
// does not need.

/** Static table of HPACK (RFC 7541, appendix A). */
const STATIC = { authority: 1, path: 4, status: 8, accept: 19, contentLength: 28, contentType: 31, userAgent: 58 };
const STATIC_LENGTH = 61;
const METHODS: Record<string, number> = { GET: 2, POST: 3 };
const SCHEME_HTTPS = 0x87;
const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const METHOD_NAME = 2;

/**
 * What stays the same is told once and named by its index after that, as clients do. The first content type that is told
 * is remembered, too; others are written out.
 */
export function requestHeaders(): (method: string, path: string, bodyBytes?: number, contentType?: string) => Buffer {
  const told: Array<[index: number, value: string]> = [
    [STATIC.authority, '127.0.0.1'],
    [STATIC.accept, 'application/json'],
    [STATIC.userAgent, 'flotilla-bench/1'],
    [STATIC.contentType, 'application/json'],
  ];
  let isFirst = true;
  const always = Buffer.from(told.slice(0, 3).map((_, i) => INDEXED | (STATIC_LENGTH + told.length - i)));
  const json = Buffer.from([INDEXED | (STATIC_LENGTH + 1)]);
  return (method, path, bodyBytes, contentType = 'application/json') => {
    const parts: Buffer[] = [];
    // The entries are there from the first request on, which has a content type in any case.
    const known = METHODS[method];
    parts.push(known === undefined ? literal(METHOD_NAME, method) : Buffer.from([INDEXED | known]));
    parts.push(Buffer.from([SCHEME_HTTPS]), literal(STATIC.path, path));
    if (isFirst) for (const [index, value] of told) parts.push(literal(index, value, INCREMENTAL));
    else parts.push(always);
    if (bodyBytes !== undefined) {
      if (contentType !== 'application/json') parts.push(literal(STATIC.contentType, contentType));
      else if (!isFirst) parts.push(json);
      parts.push(literal(STATIC.contentLength, String(bodyBytes)));
    }
    isFirst = false;
    return Buffer.concat(parts);
  };
}

function literal(nameIndex: number, value: string, kind = 0): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([integer(nameIndex, kind === INCREMENTAL ? 6 : 4, kind), integer(bytes.length, 7, 0), bytes]);
}

/** RFC 7541, 5.1. */
function integer(value: number, prefixBits: number, kind: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([kind | value]);
  const out = [kind | most];
  let left = value - most;
  for (; left >= 128; left >>= 7) out.push((left & 127) | 128);
  return Buffer.from([...out, left]);
}

/** What the server has put into its table: only how many entries, and which of them are a status. */
export class HeaderCounter {
  inserted = 0;
  readonly statuses = new Map<number, number>();
}

/** The static table's own entries. */
const STATUSES = new Map([200, 204, 206, 304, 400, 404, 500].map((code, i) => [STATIC.status + i, code]));

/** Every field is passed over, since each may be one more entry of the table. */
export function answeredCode(counter: HeaderCounter, block: Buffer): number {
  const at = { block, offset: 0 };
  let code = 0;
  while (at.offset < block.length) {
    const first = block[at.offset]!;
    if ((first & INDEXED) !== 0) {
      const index = readInteger(at, 7);
      code = STATUSES.get(index) ?? counter.statuses.get(counter.inserted - (index - STATIC_LENGTH)) ?? code;
    } else if ((first & 0xe0) === 0x20) {
      readInteger(at, 5);
    } else {
      const isInserted = (first & INCREMENTAL) !== 0;
      const name = readInteger(at, isInserted ? 6 : 4);
      if (name === 0) skipString(at);
      const isStatus = (name >= STATIC.status && name < STATIC.status + 7) || isStatusEntry(counter, name);
      if (isStatus) code = statusOf(at);
      else skipString(at);
      if (isInserted) {
        if (isStatus) counter.statuses.set(counter.inserted, code);
        counter.inserted++;
      }
    }
  }
  return code;
}

const isStatusEntry = (counter: HeaderCounter, name: number): boolean =>
  name > STATIC_LENGTH && counter.statuses.has(counter.inserted - (name - STATIC_LENGTH));

interface At {
  block: Buffer;
  offset: number;
}

function readInteger(at: At, prefixBits: number): number {
  const most = 2 ** prefixBits - 1;
  let value = at.block[at.offset++]! & most;
  if (value < most) return value;
  for (let shift = 0; ; shift += 7) {
    const byte = at.block[at.offset++]!;
    value += (byte & 127) << shift;
    if (byte < 128) return value;
  }
}

function skipString(at: At): void {
  const length = readInteger(at, 7);
  at.offset += length;
}

/** Huffman's code of a digit: 5 bits for 0 to 2, 6 bits for the others. */
function statusOf(at: At): number {
  const isPacked = (at.block[at.offset]! & 0x80) !== 0;
  const length = readInteger(at, 7);
  const bytes = at.block.subarray(at.offset, (at.offset += length));
  if (!isPacked) return Number(bytes.toString('latin1'));
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  let code = 0;
  for (let digits = 0, from = 0; digits < 3; digits++) {
    const five = Number.parseInt(bits.slice(from, from + 5), 2);
    const isShort = five < 3;
    const digit = isShort ? five : Number.parseInt(bits.slice(from, from + 6), 2) - 0x19 + 3;
    code = code * 10 + digit;
    from += isShort ? 5 : 6;
  }
  return code;
}
