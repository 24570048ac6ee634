// Decides nothing: a sorted map that is never changed, only copied where it changes, so that a reader keeps the state it
// began with. Never compares values.

interface Chunk<V> {
  readonly keys: readonly string[];
  readonly values: readonly V[];
}

/** A write copies one chunk and the list of chunks: at 10^5 keys some hundred pointers, with no tree to balance. */
const CHUNK_KEYS = 256;
/** Greater than all that may follow in a key. */
const BEHIND_ALL = '\uffff';

export class OrderedMap<V> {
  readonly #chunks: ReadonlyArray<Chunk<V>>;
  readonly size: number;

  private constructor(chunks: ReadonlyArray<Chunk<V>>, size: number) {
    this.#chunks = chunks;
    this.size = size;
  }

  static empty<V>(): OrderedMap<V> {
    return new OrderedMap<V>([], 0);
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkFor(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  set(key: string, value: V): OrderedMap<V> {
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return new OrderedMap([{ keys: [key], values: [value] }], 1);
    const inside = lowerBound(chunk.keys, key);
    const isNew = chunk.keys[inside] !== key;
    const keys = isNew ? chunk.keys.toSpliced(inside, 0, key) : chunk.keys;
    const values = chunk.values.toSpliced(inside, isNew ? 0 : 1, value);
    return new OrderedMap(this.#chunks.toSpliced(at, 1, ...split({ keys, values })), this.size + (isNew ? 1 : 0));
  }

  delete(key: string): OrderedMap<V> {
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return this;
    const inside = lowerBound(chunk.keys, key);
    if (chunk.keys[inside] !== key) return this;
    const keys = chunk.keys.toSpliced(inside, 1);
    const rest = keys.length === 0 ? [] : [{ keys, values: chunk.values.toSpliced(inside, 1) }];
    return new OrderedMap(this.#chunks.toSpliced(at, 1, ...rest), this.size - 1);
  }

  /** Entries with keys >= `from` that begin with `prefix`, in order. */
  *range(prefix = '', from = prefix): Generator<[string, V]> {
    const start = from > prefix ? from : prefix;
    for (let c = this.#chunkFor(start); c < this.#chunks.length; c++) {
      const { keys, values } = this.#chunks[c]!;
      for (let i = lowerBound(keys, start); i < keys.length; i++) {
        if (!keys[i]!.startsWith(prefix)) return;
        yield [keys[i]!, values[i]!];
      }
    }
  }

  /** The values of `range`, some hundred at a time: who looks through many does not pay for a step of a generator each. */
  *slices(prefix = '', from = prefix): Generator<readonly V[]> {
    const start = from > prefix ? from : prefix;
    for (let c = this.#chunkFor(start); c < this.#chunks.length; c++) {
      const { keys, values } = this.#chunks[c]!;
      const begin = lowerBound(keys, start);
      const isWhole = keys.at(-1)!.startsWith(prefix);
      const end = isWhole ? keys.length : lowerBound(keys, prefix + BEHIND_ALL);
      if (begin < end) yield begin === 0 && isWhole ? values : values.slice(begin, end);
      if (!isWhole && end < keys.length) return;
    }
  }

  /** The first key that is not less. */
  keyFrom(from: string): string | undefined {
    for (const [key] of this.range('', from)) return key;
    return undefined;
  }

  /** How many entries `range` would give: O(chunks), not O(entries). */
  count(prefix = '', from = prefix): number {
    const start = from > prefix ? from : prefix;
    if (this.#chunks.length === 0) return 0;
    const first = this.#chunkFor(start);
    const last = prefix === '' ? this.#chunks.length - 1 : this.#chunkFor(prefix + BEHIND_ALL);
    let count = 0;
    for (let c = first; c < last; c++) count += this.#chunks[c]!.keys.length;
    count +=
      prefix === '' ? this.#chunks[last]!.keys.length : lowerBound(this.#chunks[last]!.keys, prefix + BEHIND_ALL);
    return Math.max(0, count - lowerBound(this.#chunks[first]!.keys, start));
  }

  /** The chunk that holds `key` or would: the last one whose first key is not greater. */
  #chunkFor(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function split<V>(chunk: Chunk<V>): Array<Chunk<V>> {
  if (chunk.keys.length <= CHUNK_KEYS) return [chunk];
  const half = chunk.keys.length >> 1;
  return [
    { keys: chunk.keys.slice(0, half), values: chunk.values.slice(0, half) },
    { keys: chunk.keys.slice(half), values: chunk.values.slice(half) },
  ];
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
