// Decides which number a key has as long as anything of it is kept. Never knows what belongs to a key, nor their order.
//
// Hash tables of numbers instead of a Map: a key that is there already is found from the bytes in which it came, and no text
// is made for it. Open addressing; a removal moves what follows back, so nothing is left behind.
import { decodeText } from '../../../lib/base/bytes.ts';
import { highOfKey, lowOfAscii, lowOfKey } from './state-hash.ts';
import { Table } from './table.ts';

/** Of a table's places, at most this share is taken. */
const FULL = 1 / 2;
/** Tables, each with the keys of some hashes: that one grows takes no noticeable time, however many keys there are. */
const TABLE_BITS = 8;

const LOW = 0;
const HIGH = 1;

/** Numbers of keys, each at or behind the place that its hash names; 0: empty. */
interface Places {
  keys: Int32Array;
  /** 32 less the bits that a place has. */
  shift: number;
  taken: number;
}

export class Keys {
  /** By number, from 1. */
  private readonly texts: string[] = [''];
  private readonly lanes = new Table(0, 2);
  private readonly free: number[] = [];
  private readonly tables: readonly Places[] = Array.from({ length: 1 << TABLE_BITS }, () => ({
    keys: new Int32Array(8),
    shift: 32 - 3,
    taken: 0,
  }));

  get size(): number {
    return this.texts.length - 1 - this.free.length;
  }

  text(key: number): string {
    return this.texts[key]!;
  }

  /** What the key alone makes of the lanes of its versions' hashes; the low one is the table's hash, too. */
  low(key: number): number {
    return this.lanes.int(key, LOW);
  }

  high(key: number): number {
    return this.lanes.int(key, HIGH);
  }

  /** 0: it is not there. */
  find(text: string): number {
    const hash = lowOfKey(text);
    const table = this.tableOf(hash);
    const { keys } = table;
    for (let place = home(table, hash); ; place = after(keys, place)) {
      const key = keys[place]!;
      if (key === 0 || (this.low(key) === hash && this.texts[key] === text)) return key;
    }
  }

  /** The same for a key as it lies in UTF-8. */
  findBytes(data: Uint8Array, from: number, to: number): number {
    const hash = lowOfAscii(data, from, to);
    if (hash === undefined) return this.find(decodeText(data, from, to));
    const table = this.tableOf(hash);
    const { keys } = table;
    for (let place = home(table, hash); ; place = after(keys, place)) {
      const key = keys[place]!;
      if (key === 0 || (this.low(key) === hash && isEqual(this.texts[key]!, data, from, to))) return key;
    }
  }

  /** It must not be there. */
  add(text: string): number {
    const hash = lowOfKey(text);
    const table = this.tableOf(hash);
    if (table.taken + 1 > table.keys.length * FULL) this.grow(table);
    const key = this.free.pop() ?? this.texts.length;
    this.texts[key] = text;
    this.lanes.reach(key);
    this.lanes.setInt(key, LOW, hash);
    this.lanes.setInt(key, HIGH, highOfKey(text));
    this.enter(table, key);
    table.taken++;
    return key;
  }

  remove(key: number): void {
    const table = this.tableOf(this.low(key));
    const { keys } = table;
    let hole = home(table, this.low(key));
    while (keys[hole] !== key) hole = after(keys, hole);
    for (let place = after(keys, hole); keys[place] !== 0; place = after(keys, place)) {
      // It may move back as far as its home.
      if (distance(keys, home(table, this.low(keys[place]!)), place) < distance(keys, hole, place)) continue;
      keys[hole] = keys[place]!;
      hole = place;
    }
    keys[hole] = 0;
    table.taken--;
    this.texts[key] = '';
    this.free.push(key);
  }

  private tableOf(hash: number): Places {
    return this.tables[spread(hash) >>> (32 - TABLE_BITS)]!;
  }

  private enter(table: Places, key: number): void {
    const { keys } = table;
    let place = home(table, this.low(key));
    while (keys[place] !== 0) place = after(keys, place);
    keys[place] = key;
  }

  private grow(table: Places): void {
    const old = table.keys;
    table.keys = new Int32Array(old.length * 2);
    table.shift--;
    for (const key of old) if (key !== 0) this.enter(table, key);
  }
}

/** Its upper bits name the table, those below them the place in it. */
function spread(hash: number): number {
  return Math.imul(hash, 0x9e3779b1);
}

function home({ shift }: Places, hash: number): number {
  return (spread(hash) << TABLE_BITS) >>> shift;
}

function after(keys: Int32Array, place: number): number {
  return (place + 1) & (keys.length - 1);
}

function distance(keys: Int32Array, from: number, to: number): number {
  return (to - from) & (keys.length - 1);
}

function isEqual(text: string, data: Uint8Array, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== data[from + i]) return false;
  return true;
}
