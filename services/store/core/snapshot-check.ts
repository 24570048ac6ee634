// Decides whether the bytes of a snapshot are the state that they say they are: the hash of every key is made anew from the
// bytes and followed through every transaction to the end, and so is all the rest. Never keeps a key or a value: 28 bytes for each
// key, and more only for one that goes with a lease.
import { ByteReader } from '../../../lib/base/bytes.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import { addSession, attachedItem, leaseItem, restText, revisionItem, sessionLanes } from './rest-hash.ts';
import {
  END,
  FORGOTTEN_SESSIONS,
  HEAD,
  KEY,
  KEY_WITH_LEASE,
  LEASE,
  LEASE_TIME,
  LIMITS,
  readHash,
  readSession,
  SESSION,
  TXN,
  WrongStateError,
  type Expected,
} from './snapshot.ts';
import { addHash, finishItem, hashText, keyLanes, subtractHash, type Hash64 } from './state-hash.ts';
import { readCause, readPlace } from './txn-places.ts';

/** Takes slices as they are written, each of whole items; `finish` throws WrongStateError when they contradict themselves. */
export class SnapshotCheck {
  private readonly sum: Hash64 = { low: 0, high: 0 };
  private readonly keys: KeyHashes;
  private readonly expected: Expected = { revision: 0, hash: undefined };
  private readonly rest = {
    history: { low: 0, high: 0 },
    sessions: { low: 0, high: 0 },
    leases: { low: 0, high: 0 },
    forgottenThrough: 0,
    timeMs: 0,
    limits: [] as number[],
  };
  /** What each key that goes with a lease counts, by its lanes. */
  private readonly attached = new Map<string, Hash64>();
  private areKeysRead = false;
  private revision = 0;
  /** Used again for each key. */
  private readonly lanes: Hash64 = { low: 0, high: 0 };
  /** The slice, four bytes at a time. */
  private words: DataView = new DataView(new ArrayBuffer(0));

  /** `keys`: about so many are to come. With too few it grows, which takes as long as so many keys do. */
  constructor(keys = 0) {
    this.keys = new KeyHashes(keys);
  }

  feed(slice: Uint8Array): void {
    this.words = new DataView(slice.buffer, slice.byteOffset, slice.length);
    const reader = new ByteReader(slice);
    try {
      while (!reader.done) this.item(reader.nested());
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      throw new WrongStateError(`the snapshot has bytes that are no item: ${messageOf(error)}`);
    }
  }

  finish(): void {
    const { expected, revision, rest } = this;
    for (const item of this.attached.values()) addHash(rest.leases, item);
    const hash = hashText(this.sum) + restText(rest);
    if (revision === expected.revision && hash === expected.hash) return;
    throw new WrongStateError(
      `what is in this state makes revision ${revision} with hash ${hash}, ` +
        `and it says that it is ${expected.revision} with ${expected.hash}`,
    );
  }

  private item(reader: ByteReader): void {
    const type = reader.byte();
    if (!this.areKeysRead && (type === TXN || type === END)) {
      this.areKeysRead = true;
      this.after(this.revision);
    }
    if (type === HEAD) this.head(reader);
    else if (type === KEY || type === KEY_WITH_LEASE) this.key(reader, type === KEY_WITH_LEASE);
    else if (type === TXN) this.txn(reader);
    else if (type === SESSION) this.session(reader);
    else if (type === LEASE) this.lease(reader);
    else if (type === FORGOTTEN_SESSIONS) this.rest.forgottenThrough = reader.number();
    else if (type === LEASE_TIME) this.rest.timeMs = reader.number();
    else if (type === LIMITS) while (!reader.done) this.rest.limits.push(reader.number());
    else if (type === END) this.expected.hash = readHash(reader);
  }

  /** The keys are as they were after this revision. */
  private after(revision: number): void {
    revisionItem(this.lanes, revision, this.sum);
    addHash(this.rest.history, this.lanes);
  }

  private session(reader: ByteReader): void {
    const { name, ...session } = readSession(reader);
    addSession(this.rest.sessions, { ...session, life: 0, lanes: sessionLanes(name) });
  }

  private lease(reader: ByteReader): void {
    leaseItem(this.lanes, reader.text(), reader.number(), reader.number());
    addHash(this.rest.leases, this.lanes);
  }

  private head(reader: ByteReader): void {
    reader.number();
    reader.number();
    this.expected.revision = reader.number();
    this.revision = reader.number();
  }

  private key(reader: ByteReader, withLease: boolean): void {
    const slot = this.slot(reader);
    const key = withLease ? { ...this.lanes } : undefined;
    const createRevision = reader.number();
    this.put(slot, createRevision, reader.number(), reader);
    if (key !== undefined) this.attach(key, reader.text());
  }

  private attach(key: Hash64, lease: string): void {
    const item = { low: 0, high: 0 };
    attachedItem(item, key, lease);
    this.attached.set(textOf(key), item);
  }

  private txn(reader: ByteReader): void {
    const revision = reader.number();
    if (revision !== this.revision + 1)
      throw new WrongStateError(`the snapshot has revision ${revision} after ${this.revision}`);
    this.revision = revision;
    readCause(reader);
    for (let left = reader.number(); left > 0; left--) {
      const kind = reader.byte();
      const slot = this.slot(reader);
      if (this.attached.size > 0) this.attached.delete(textOf(this.lanes));
      const key = kind === 2 ? { ...this.lanes } : undefined;
      if (kind === 0) this.remove(slot);
      else this.put(slot, this.keys.createRevision(slot) || revision, revision, reader);
      if (key !== undefined) this.attach(key, reader.text());
    }
    this.after(revision);
  }

  /** Of the key that comes next; its lanes are then those of the key. */
  private slot(reader: ByteReader): number {
    const { from, to } = readPlace(reader);
    keyLanes(reader.buffer, from, to, this.lanes);
    return this.keys.slot(this.lanes.low, this.lanes.high);
  }

  /** The value comes next. */
  private put(slot: number, createRevision: number, revision: number, reader: ByteReader): void {
    this.remove(slot);
    const { from, to } = readPlace(reader);
    finishItem(this.lanes, createRevision, revision, this.words, from, to - from);
    addHash(this.sum, this.lanes);
    this.keys.set(slot, createRevision, this.lanes);
  }

  private remove(slot: number): void {
    if (this.keys.createRevision(slot) === 0) return;
    subtractHash(this.sum, this.keys.hash(slot));
    this.keys.set(slot, 0, NOTHING);
  }
}

const textOf = ({ low, high }: Hash64): string => `${low} ${high}`;

const NOTHING: Hash64 = { low: 0, high: 0 };
/** Of the table's slots, at most this share is taken. */
const FULL = 3 / 4;

/** A table by the hash of the key: two keys of one hash are one key, which happens to one of 10^7 states of a million keys. */
class KeyHashes {
  private capacity: number;
  private used = 0;
  /** Key low, key high, item low, item high. */
  private lanes: Int32Array;
  /** 0: the key does not live; -1: nothing was ever here. */
  private created: Float64Array;

  constructor(keys: number) {
    this.capacity = 1_024;
    while (this.capacity * FULL <= keys) this.capacity *= 2;
    this.lanes = new Int32Array(4 * this.capacity);
    this.created = new Float64Array(this.capacity).fill(-1);
  }

  createRevision(slot: number): number {
    return Math.max(0, this.created[slot]!);
  }

  hash(slot: number): Hash64 {
    return { low: this.lanes[4 * slot + 2]!, high: this.lanes[4 * slot + 3]! };
  }

  set(slot: number, createRevision: number, { low, high }: Hash64): void {
    this.created[slot] = createRevision;
    this.lanes[4 * slot + 2] = low;
    this.lanes[4 * slot + 3] = high;
  }

  /** Where the key is, or is to be: valid until the next call. */
  slot(low: number, high: number): number {
    if (this.used > this.capacity * FULL) this.grow();
    const slot = this.find(low, high);
    if (this.created[slot] === -1) this.take(slot, low, high);
    return slot;
  }

  private find(low: number, high: number): number {
    const mask = this.capacity - 1;
    let slot = (Math.imul(low ^ high, 0x9e3779b1) >>> 7) & mask;
    while (this.created[slot] !== -1 && (this.lanes[4 * slot] !== low || this.lanes[4 * slot + 1] !== high))
      slot = (slot + 1) & mask;
    return slot;
  }

  private take(slot: number, low: number, high: number): void {
    this.used++;
    this.created[slot] = 0;
    this.lanes[4 * slot] = low;
    this.lanes[4 * slot + 1] = high;
  }

  private grow(): void {
    const { lanes, created, capacity } = this;
    this.capacity = capacity * 2;
    this.lanes = new Int32Array(4 * this.capacity);
    this.created = new Float64Array(this.capacity).fill(-1);
    this.used = 0;
    for (let old = 0; old < capacity; old++) {
      if (created[old] === -1) continue;
      const slot = this.find(lanes[4 * old]!, lanes[4 * old + 1]!);
      this.used++;
      this.lanes.set(lanes.subarray(4 * old, 4 * old + 4), 4 * slot);
      this.created[slot] = created[old]!;
    }
  }
}
