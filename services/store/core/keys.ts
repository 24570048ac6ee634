// Decides which number a key has as long as anything of it is kept. Never knows what belongs to a key, nor their order.
//
// A hash table of numbers instead of a Map: a key that is there already is found from the bytes in which it came, and no text
// is made for it. Open addressing; a removal moves what follows back, so nothing is left behind.
import { decodeText } from '../../../lib/base/bytes.ts';
import { highOfKey, lowOfAscii, lowOfKey } from './state-hash.ts';
import { Table } from './table.ts';

/** Of its places, at most this share is taken. */
const FULL = 1 / 2;

const LOW = 0;
const HIGH = 1;

export class Keys {
  /** By number, from 1. */
  private readonly texts: string[] = [''];
  private readonly lanes = new Table(0, 2);
  private readonly free: number[] = [];
  /** Numbers of keys, each at or behind the place that its hash names; 0: empty. */
  private table = new Int32Array(1_024);
  private taken = 0;

  get size(): number {
    return this.taken;
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
    for (let place = this.home(hash); ; place = this.after(place)) {
      const key = this.table[place]!;
      if (key === 0 || (this.low(key) === hash && this.texts[key] === text)) return key;
    }
  }

  /** The same for a key as it lies in UTF-8. */
  findBytes(data: Uint8Array, from: number, to: number): number {
    const hash = lowOfAscii(data, from, to);
    if (hash === undefined) return this.find(decodeText(data, from, to));
    for (let place = this.home(hash); ; place = this.after(place)) {
      const key = this.table[place]!;
      if (key === 0 || (this.low(key) === hash && isEqual(this.texts[key]!, data, from, to))) return key;
    }
  }

  /** It must not be there. */
  add(text: string): number {
    if (this.taken + 1 > this.table.length * FULL) this.grow();
    const key = this.free.pop() ?? this.texts.length;
    this.texts[key] = text;
    this.lanes.reach(key);
    this.lanes.setInt(key, LOW, lowOfKey(text));
    this.lanes.setInt(key, HIGH, highOfKey(text));
    this.enter(key);
    this.taken++;
    return key;
  }

  remove(key: number): void {
    const { table } = this;
    let hole = this.home(this.low(key));
    while (table[hole] !== key) hole = this.after(hole);
    for (let place = this.after(hole); table[place] !== 0; place = this.after(place)) {
      // It may move back as far as its home.
      if (this.distance(this.home(this.low(table[place]!)), place) < this.distance(hole, place)) continue;
      table[hole] = table[place]!;
      hole = place;
    }
    table[hole] = 0;
    this.texts[key] = '';
    this.free.push(key);
    this.taken--;
  }

  private enter(key: number): void {
    let place = this.home(this.low(key));
    while (this.table[place] !== 0) place = this.after(place);
    this.table[place] = key;
  }

  private grow(): void {
    const old = this.table;
    this.table = new Int32Array(old.length * 2);
    for (const key of old) if (key !== 0) this.enter(key);
  }

  private home(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 7) & (this.table.length - 1);
  }

  private after(place: number): number {
    return (place + 1) & (this.table.length - 1);
  }

  private distance(from: number, to: number): number {
    return (to - from) & (this.table.length - 1);
  }
}

function isEqual(text: string, data: Uint8Array, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== data[from + i]) return false;
  return true;
}
