// Decides how a whole state becomes bytes and back, a slice at a time: the state may go on changing between the slices.
// Never reads or writes a file.
//
// A snapshot is the state at the oldest readable revision, then every transaction since, then the sessions: so the
// history survives it, and loading it runs the same code as applying. Each item has its length in front.
import { invariant } from '../../../lib/base/errors.ts';
import { ByteReader, ByteWriter } from '../../../lib/base/bytes.ts';
import { decodeLimits } from './command.ts';
import type { DescribedLease } from './leases.ts';
import { limitNumbers, type StoreLimits } from './limits.ts';
import type { Outcome, Session } from './sessions.ts';
import { HASH_TEXT } from './state-hash.ts';
import { StateMachine } from './state-machine.ts';
import { readCause, readPut } from './txn-places.ts';

const VERSION = 1;
export const HEAD = 1;
export const KEY = 2;
export const TXN = 3;
export const SESSION = 4;
export const END = 5;
export const LEASE = 6;
export const KEY_WITH_LEASE = 7;
export const LEASE_TIME = 8;
export const FORGOTTEN_SESSIONS = 9;
export const LIMITS = 10;
/** About as much as is encoded or decoded in a millisecond, on a busy machine. */
export const SLICE_BYTES = 65_536;
/** Keys in one slice, should they be short. */
const SLICE_KEYS = 1_000;

type Slices = Generator<Uint8Array, void, void>;

/** Slices of the state as it is now. Must be run to its end or closed (`return`), else old versions pile up. */
export function* encodeSnapshot(state: StateMachine): Slices {
  const { revision, compactedRevision, appliedIndex, keysHash, restHash } = state;
  const out = new SliceWriter();
  // What changes in place is held as it is now; what it takes to hold it is one reference each.
  const leases = encodeLeases(state.leases.timeMs, state.leases.described(), out);
  const sessions = encodeSessions(state.sessions.forgottenThrough, state.sessions.frozen(), out);
  state.pin();
  try {
    out.item(HEAD, (item) => item.number(VERSION).number(appliedIndex).number(revision).number(compactedRevision));
    if (state.areLimitsWritten)
      out.item(LIMITS, (item) => {
        for (const number of limitNumbers(state.limits)) item.number(number);
      });
    yield* leases;
    yield* encodeKeys(state, compactedRevision, out);
    for (let txn = compactedRevision + 1; txn <= revision; txn++) {
      encodeTxn(out, state, txn);
      if (out.full) yield out.take();
    }
    yield out.take();
    yield* sessions;
    out.item(END, (item) => item.text(keysHash).text(restHash));
    yield out.take();
  } finally {
    state.unpin();
  }
}

function* encodeKeys(state: StateMachine, revision: number, out: SliceWriter): Slices {
  for (let after = ''; ;) {
    let seen = 0;
    // A new walk for each slice: keys come and go between them. Those that began later than `revision` count too.
    for (const key of state.versions.keysAfter(after)) {
      const version = state.versions.versionAt(key, revision);
      if (state.versions.hasValue(version)) encodeKey(out, state, key, version);
      after = key;
      if (++seen >= SLICE_KEYS || out.full) break;
    }
    if (seen === 0) return;
    yield out.take();
  }
}

function encodeKey(out: SliceWriter, { versions }: StateMachine, key: string, version: number): void {
  const lease = versions.leaseOf(version);
  const item = out.begin(lease === undefined ? KEY : KEY_WITH_LEASE);
  item.text(key).number(versions.createRevisionOf(version)).number(versions.revisionOf(version));
  versions.writeValue(version, item);
  if (lease !== undefined) item.text(lease);
  out.end();
}

/** Which keys hang on one is told with the keys. */
function* encodeLeases(timeMs: number, leases: readonly DescribedLease[], out: SliceWriter): Slices {
  if (timeMs > 0) out.item(LEASE_TIME, (item) => item.number(timeMs));
  for (const { id, ttlMs, deadlineMs } of leases) {
    out.item(LEASE, (item) => item.text(id).number(ttlMs).number(deadlineMs));
    if (out.full) yield out.take();
  }
}

function* encodeSessions(forgottenThrough: number, sessions: readonly [string, Session][], out: SliceWriter): Slices {
  if (forgottenThrough > 0) out.item(FORGOTTEN_SESSIONS, (item) => item.number(forgottenThrough));
  for (const [name, session] of sessions) {
    out.item(SESSION, (item) => encodeSession(item, name, session));
    if (out.full) yield out.take();
  }
}

function encodeTxn(out: SliceWriter, { history, versions }: StateMachine, revision: number): void {
  const item = out.begin(TXN);
  history.write(revision, item, (version) => {
    const lease = versions.leaseOf(version);
    const hasValue = versions.hasValue(version);
    item.byte(!hasValue ? 0 : lease === undefined ? 1 : 2).text(versions.keyOf(version));
    if (hasValue) versions.writeValue(version, item);
    if (hasValue && lease !== undefined) item.text(lease);
  });
  out.end();
}

function encodeSession(out: ByteWriter, name: string, session: Session): void {
  out.text(name).number(session.acknowledged).number(session.results.size);
  for (const [sequence, outcome] of session.results) {
    out.number(sequence);
    if (typeof outcome === 'number') out.byte(0).number(outcome);
    else if (outcome.reason === 'conflict') out.byte(1).text(outcome.key).number(outcome.current);
    else out.byte(2).text(outcome.reason).text(outcome.message);
  }
  out.number(session.openedAt);
}

function decodeOutcome(reader: ByteReader): Outcome {
  const kind = reader.byte();
  if (kind === 0) return reader.number();
  if (kind === 1) return { reason: 'conflict', key: reader.text(), current: reader.number() };
  const reason = reader.text() as 'forgotten' | 'too-large' | 'quota' | 'no-lease';
  return { reason, message: reader.text() };
}

class SliceWriter {
  private readonly out = new ByteWriter(SLICE_BYTES * 2);
  private readonly one = new ByteWriter(4096);

  get full(): boolean {
    return this.out.length >= SLICE_BYTES;
  }

  item(type: number, write: (item: ByteWriter) => void): void {
    write(this.begin(type));
    this.end();
  }

  /** To be written to until `end`. */
  begin(type: number): ByteWriter {
    this.one.clear();
    return this.one.byte(type);
  }

  end(): void {
    this.out.nested(this.one);
  }

  take(): Uint8Array {
    const slice = this.out.finish();
    this.out.clear();
    return slice;
  }
}

/** The bytes are those that were written, and yet not the state that they say they are: it was wrong in memory already. */
export class WrongStateError extends Error {}

export interface Expected {
  revision: number;
  hash: string | undefined;
}

/** Older snapshots say nothing but the hash of the keys. */
export function readHash(reader: ByteReader): string {
  return reader.text() + (reader.done ? '' : reader.text());
}

/** Takes the bytes of a snapshot in any pieces; `finish` gives the state, or throws if it is not whole and equal. */
export class SnapshotLoader {
  private state: StateMachine | undefined;
  private readonly limits: Partial<StoreLimits>;
  private rest: Uint8Array = new Uint8Array(0);
  private expected: Expected & { compactedRevision: number } = { revision: 0, compactedRevision: 0, hash: undefined };
  private areKeysLoaded = false;

  constructor(limits: Partial<StoreLimits> = {}) {
    this.limits = limits;
  }

  feed(piece: Uint8Array): void {
    let bytes = piece;
    if (this.rest.length > 0) {
      bytes = new Uint8Array(this.rest.length + piece.length);
      bytes.set(this.rest);
      bytes.set(piece, this.rest.length);
    }
    let at = 0;
    for (let end = itemEnd(bytes, at); end !== undefined; end = itemEnd(bytes, at)) {
      this.item(new ByteReader(bytes, at, end).nested());
      at = end;
    }
    this.rest = bytes.slice(at);
    // It was written under larger limits than ours.
    this.state?.tidy(SLICE_KEYS);
  }

  finish(): StateMachine {
    const { state, expected } = this;
    if (state === undefined || expected.hash === undefined || this.rest.length > 0)
      throw new Error('the snapshot ends too early');
    state.leases.forgetEmpty();
    // What smaller limits than the writer's have left of the history is less than it has said.
    const isWhole = expected.hash.length > HASH_TEXT && state.compactedRevision === expected.compactedRevision;
    const hash = isWhole ? state.hash : state.keysHash;
    if (state.revision !== expected.revision || !expected.hash.startsWith(hash))
      throw new WrongStateError(
        `the snapshot holds revision ${state.revision} with hash ${hash}, ` +
          `and says that it is ${expected.revision} with ${expected.hash}`,
      );
    return state;
  }

  private item(reader: ByteReader): void {
    const type = reader.byte();
    if (type === HEAD) return this.head(reader);
    invariant(this.state !== undefined, 'a snapshot begins with its head');
    if (!this.areKeysLoaded && (type === TXN || type === END)) {
      this.areKeysLoaded = true;
      this.state.history.begin();
    }
    if (type === KEY || type === KEY_WITH_LEASE) loadKey(this.state, reader, type === KEY_WITH_LEASE);
    else if (type === TXN) loadTxn(this.state, reader);
    else if (type === SESSION) loadSession(this.state, reader);
    else if (type === LEASE) this.state.leases.restore(reader.text(), reader.number(), reader.number());
    else if (type === FORGOTTEN_SESSIONS) this.state.sessions.forgottenThrough = reader.number();
    else if (type === LIMITS) this.state.useLimits(decodeLimits(reader));
    else if (type === LEASE_TIME) this.state.leases.advance(reader.number());
    else if (type === END) this.expected.hash = readHash(reader);
    else throw new Error(`the snapshot has an item of type ${type}: written by a newer version?`);
  }

  private head(reader: ByteReader): void {
    const version = reader.number();
    if (version !== VERSION) throw new Error(`the snapshot has version ${version}, known is ${VERSION}`);
    const appliedIndex = reader.number();
    this.expected.revision = reader.number();
    this.expected.compactedRevision = reader.number();
    this.state = new StateMachine(this.limits, this.expected.compactedRevision);
    this.state.appliedIndex = appliedIndex;
  }
}

/** Where the item at `at` ends, or undefined if not all of it is here. */
function itemEnd(bytes: Uint8Array, at: number): number | undefined {
  let length = 0;
  let scale = 1;
  for (let i = at; i < bytes.length; i++) {
    length += (bytes[i]! & 0x7f) * scale;
    scale *= 0x80;
    if (bytes[i]! >= 0x80) continue;
    const end = i + 1 + length;
    return end <= bytes.length ? end : undefined;
  }
  return undefined;
}

function loadKey(state: StateMachine, reader: ByteReader, withLease: boolean): void {
  const key = reader.text();
  const createRevision = reader.number();
  const revision = reader.number();
  const value = reader.bytes();
  const lease = withLease ? reader.text() : undefined;
  if (lease !== undefined) state.leases.attach(key, lease);
  state.versions.set(key, revision, createRevision, value, lease);
}

function loadTxn(state: StateMachine, reader: ByteReader): void {
  const revision = reader.number();
  const cause = readCause(reader);
  for (let left = reader.number(); left > 0; left--) {
    const kind = reader.byte();
    const key = state.versions.enter(reader.text());
    state.change(key, revision, kind === 0 ? undefined : readPut(reader, kind === 2));
  }
  // More than our limits allow, if it was written under larger ones, is pruned as after any command.
  state.record(revision, cause);
}

function loadSession(state: StateMachine, reader: ByteReader): void {
  const { name, ...session } = readSession(reader);
  state.sessions.restore(name, session);
}

export function readSession(reader: ByteReader): Omit<Session, 'life' | 'lanes'> & { name: string } {
  const name = reader.text();
  const session = { name, acknowledged: reader.number(), results: new Map<number, Outcome>(), openedAt: 0 };
  for (let left = reader.number(); left > 0; left--) {
    const sequence = reader.number();
    session.results.set(sequence, decodeOutcome(reader));
  }
  // Older snapshots do not say it.
  if (!reader.done) session.openedAt = reader.number();
  return session;
}
