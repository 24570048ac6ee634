// Decides which value a key has at a revision, and keeps only versions that some readable revision needs. Never decides
// which revisions are readable.
//
// Keys and versions are numbers, and what is known of them are columns of numbers: an object for each would be most of what a
// small value costs, in memory and in garbage collection. `Version` is what is shown of one to who reads. 0 is no key and no
// version.
import type { ByteWriter } from '../../../lib/base/bytes.ts';
import { invariant } from '../../../lib/base/errors.ts';
import { beginChange, DELETE, PUT } from '../../../lib/bus/packed.ts';
import { Keys } from './keys.ts';
import { OrderedKeys } from './ordered-keys.ts';
import { addHash, subtractHash, type Hash64 } from './state-hash.ts';
import { Table } from './table.ts';
import { Values, type Place } from './values.ts';

/** One state of one key, as it was when it was asked for: it stays so, whatever is pruned. */
export class Version {
  readonly revision: number;
  /** Of the put that began this life of the key. */
  readonly createRevision: number;
  /** The lease that the key ends with. */
  readonly lease: string | undefined;
  private readonly place: Place | undefined;

  constructor(revision: number, createRevision: number, lease: string | undefined, place: Place | undefined) {
    this.revision = revision;
    this.createRevision = createRevision;
    this.lease = lease;
    this.place = place;
  }

  get isDeleted(): boolean {
    return this.place === undefined;
  }

  get length(): number {
    return this.place?.length ?? 0;
  }

  /** undefined: deleted. */
  get value(): Uint8Array | undefined {
    return this.place?.bytes.subarray(this.place.offset, this.place.offset + this.place.length);
  }
}

/** A value to be put, and the lease that the key then ends with. */
export interface Put {
  data: Uint8Array;
  from: number;
  to: number;
  lease: string | undefined;
}

// Columns of a version.
const REVISION = 0;
/** Of the put that began this life of the key. */
const CREATE_REVISION = 1;
const KEY = 0;
/** The version before; of a number that is free, the next free one. */
const OLDER = 1;
/** The hash of key, revisions and value. */
const LOW = 2;
const HIGH = 3;

export class Versions {
  readonly keys = new Keys();
  private readonly order = new OrderedKeys();
  private readonly values = new Values();
  private readonly newest = new Table(0, 1);
  private readonly rows = new Table(2, 4);
  /** Few keys have one. */
  private readonly lease = new Map<number, string>();
  private firstFree = 0;
  private numbers = 1;
  /** Used again for each version. */
  private readonly lanes: Hash64 = { low: 0, high: 0 };
  readonly hash: Hash64 = { low: 0, high: 0 };
  liveKeys = 0;
  liveBytes = 0;

  constructor() {
    this.newest.reach(0);
    this.rows.reach(0);
    this.values.placeNothing(0);
  }

  private newestOf(key: number): number {
    return this.newest.int(key, 0);
  }

  private keyNumberOf(version: number): number {
    return this.rows.int(version, KEY);
  }

  private olderOf(version: number): number {
    return this.rows.int(version, OLDER);
  }

  revisionOf(version: number): number {
    return this.rows.long(version, REVISION);
  }

  createRevisionOf(version: number): number {
    return this.rows.long(version, CREATE_REVISION);
  }

  /** False of a deletion, and of 0. */
  hasValue(version: number): boolean {
    return this.values.has(version);
  }

  leaseOf(version: number): string | undefined {
    return this.lease.size === 0 ? undefined : this.lease.get(version);
  }

  // ---- asking by number ---------------------------------------------------------------------------------------------

  /** The living version of a key, or 0. */
  live(key: number): number {
    const version = this.newestOf(key);
    return this.values.has(version) ? version : 0;
  }

  /** The revision of the living version, or 0. */
  liveRevision(key: number): number {
    return this.revisionOf(this.live(key));
  }

  /** Of the living version. */
  liveLease(key: number): string | undefined {
    return this.leaseOf(this.live(key));
  }

  /** What the living version counts for the quota; 0 without one. */
  sizeOf(key: number): number {
    const version = this.live(key);
    return version === 0 ? 0 : this.bytesOf(version);
  }

  /** Of key and value. */
  bytesOf(version: number): number {
    return this.keys.text(this.keyNumberOf(version)).length + this.values.lengthOf(version);
  }

  keyOf(version: number): string {
    return this.keys.text(this.keyNumberOf(version));
  }

  show(version: number): Version {
    const createRevision = this.createRevisionOf(version);
    return new Version(this.revisionOf(version), createRevision, this.lease.get(version), this.values.at(version));
  }

  /** With its length in front. */
  writeValue(version: number, out: ByteWriter): void {
    this.values.write(version, out);
  }

  /** As lib/bus/packed.ts lays a change that was committed. */
  writeChange(version: number, out: ByteWriter): void {
    const hasValue = this.values.has(version);
    beginChange(out, hasValue ? PUT : DELETE, this.keyOf(version), this.createRevisionOf(version));
    if (hasValue) this.values.write(version, out);
  }

  // ---- changing -------------------------------------------------------------------------------------------------------

  /** The number of a key, which it gets if it has none; then it must be given a version. */
  enter(text: string): number {
    const known = this.keys.find(text);
    if (known !== 0) return known;
    const key = this.keys.add(text);
    this.order.add(text);
    this.newest.reach(key);
    this.newest.setInt(key, 0, 0);
    return key;
  }

  put(key: number, revision: number, put: Put): number {
    const before = this.live(key);
    const createRevision = before === 0 ? revision : this.createRevisionOf(before);
    return this.add(key, revision, createRevision, put);
  }

  /** The key must be alive. */
  delete(key: number, revision: number): number {
    const before = this.live(key);
    invariant(before !== 0, 'key % is deleted at revision % and does not exist', this.keys.text(key), revision);
    return this.add(key, revision, this.createRevisionOf(before), undefined);
  }

  /** A put whose life may have begun before what is readable: from a snapshot. */
  set(text: string, revision: number, createRevision: number, data: Uint8Array, lease?: string): void {
    this.add(this.enter(text), revision, createRevision, { data, from: 0, to: data.length, lease });
  }

  /** `put` undefined: the key is deleted. */
  private add(key: number, revision: number, createRevision: number, put: Put | undefined): number {
    const version = this.newNumber();
    this.rows.reach(version);
    this.rows.setInt(version, KEY, key);
    this.rows.setLong(version, REVISION, revision);
    this.rows.setLong(version, CREATE_REVISION, createRevision);
    const before = this.newestOf(key);
    if (this.values.has(before)) this.count(before, -1);
    if (put === undefined) this.values.placeNothing(version);
    else this.place(version, put);
    this.rows.setInt(version, OLDER, before);
    this.newest.setInt(key, 0, version);
    return version;
  }

  private place(version: number, { data, from, to, lease }: Put): void {
    this.values.place(version, data, from, to);
    if (lease !== undefined) this.lease.set(version, lease);
    const { lanes, keys } = this;
    const key = this.keyNumberOf(version);
    lanes.low = keys.low(key);
    lanes.high = keys.high(key);
    this.values.finishHash(version, lanes, this.createRevisionOf(version), this.revisionOf(version));
    this.rows.setInt(version, LOW, lanes.low);
    this.rows.setInt(version, HIGH, lanes.high);
    this.count(version, 1);
  }

  private count(version: number, sign: 1 | -1): void {
    this.liveKeys += sign;
    this.liveBytes += sign * this.bytesOf(version);
    this.lanes.low = this.rows.int(version, LOW);
    this.lanes.high = this.rows.int(version, HIGH);
    if (sign === 1) addHash(this.hash, this.lanes);
    else subtractHash(this.hash, this.lanes);
  }

  private newNumber(): number {
    if (this.firstFree === 0) return this.numbers++;
    const version = this.firstFree;
    this.firstFree = this.olderOf(version);
    return version;
  }

  // ---- forgetting -----------------------------------------------------------------------------------------------------

  /**
   * Nothing before `version` can be seen any more: drops it, and a deletion with it. From here and not from the newest, or a
   * key that changes all the time would be walked through for each of its changes.
   */
  prune(version: number): void {
    for (let old = this.olderOf(version); old !== 0;) {
      const next = this.olderOf(old);
      this.free(old);
      old = next;
    }
    this.rows.setInt(version, OLDER, 0);
    const key = this.keyNumberOf(version);
    // A deletion that a later life has followed goes when that is pruned.
    if (this.values.has(version) || this.newestOf(key) !== version) return;
    this.order.remove(this.keys.text(key));
    this.keys.remove(key);
    this.free(version);
  }

  private free(version: number): void {
    this.values.release(version);
    if (this.lease.size > 0) this.lease.delete(version);
    this.rows.setInt(version, OLDER, this.firstFree);
    this.firstFree = version;
  }

  // ---- reading --------------------------------------------------------------------------------------------------------

  /** Every key there is after `after`, alive or not: so that a walk can be bounded by what it passes. */
  keysAfter(after: string): Generator<string> {
    return this.order.from(after, after !== '');
  }

  /** Keys alive at `revision` that begin with `prefix`, after `after` ('' = from the first). */
  *range(prefix: string, after: string, revision: number): Generator<{ key: string; version: Version }> {
    const exclusive = after >= prefix && after !== '';
    for (const key of this.order.from(exclusive ? after : prefix, exclusive)) {
      if (!key.startsWith(prefix)) return;
      const version = this.versionAt(key, revision);
      if (this.values.has(version)) yield { key, version: this.show(version) };
    }
  }

  /** 0: none is that old. */
  versionAt(key: string, revision: number): number {
    let version = this.newestOf(this.keys.find(key));
    while (version !== 0 && this.revisionOf(version) > revision) version = this.olderOf(version);
    return version;
  }

  /** Of all keys, dead ones too. */
  get kept(): number {
    let count = 0;
    for (const key of this.order)
      for (let each = this.newestOf(this.keys.find(key)); each !== 0; each = this.olderOf(each)) count++;
    return count;
  }
}
