// Decides how transactions, their results and what was committed lie in bytes: as in a log entry, so that the leader of the
// store passes a write on without taking it apart, and a reader of many messages makes no object that it does not look at.
// Never decides what a transaction does. A layout is never changed: one that must change becomes a new field beside the old.
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type {
  Cause,
  CommittedChange,
  CommittedTxn,
  Operation,
  StoreCommitted,
  StoreRefusal,
  StoreWrite,
  StoreWriteReply,
  Txn,
  TxnResult,
} from './messages.ts';

/** As `M` is on the bus: its transactions as bytes. */
export type Packed<M extends { txns: unknown }> = Omit<M, 'txns'> & { txns: Uint8Array };
export type PackedReply = { results: Uint8Array; index?: number } | StoreRefusal;

export const PUT = 1;
export const DELETE = 2;
export const PUT_WITH_LEASE = 3;

/** Used again for each message: a new buffer for each costs more than the encoding. */
const scratch = new ByteWriter(65_536);

// ---- writes -------------------------------------------------------------------------------------------------------

export function packWrite(write: StoreWrite): Packed<StoreWrite> {
  return { ...write, txns: packTxns(write.txns) };
}

/** How many, and each of them. */
export function packTxns(txns: readonly Txn[]): Uint8Array {
  scratch.clear();
  scratch.number(txns.length);
  for (const txn of txns) encodeTxn(scratch, txn);
  return scratch.finish();
}

/** Throws RangeError on bytes that `packTxns` does not make. Values are views of `packed`. */
export function unpackTxns(packed: Uint8Array): Txn[] {
  const reader = new ByteReader(packed);
  const txns = decodeTxns(reader, reader.number());
  if (!reader.done) throw new RangeError(`${packed.length - reader.position} bytes follow the last transaction`);
  return txns;
}

function encodeTxn(out: ByteWriter, txn: Txn): void {
  out.number(txn.sequence).number(txn.compares.length);
  for (const { key, revision } of txn.compares) out.text(key).number(revision);
  out.number(txn.operations.length);
  for (const operation of txn.operations) encodeOperation(out, operation);
  encodeCause(out, txn.cause);
}

function encodeOperation(out: ByteWriter, operation: Operation): void {
  if (operation.type === 'delete') out.byte(DELETE).text(operation.key);
  else if (operation.lease === undefined) out.byte(PUT).text(operation.key).bytes(operation.value);
  else out.byte(PUT_WITH_LEASE).text(operation.key).bytes(operation.value).text(operation.lease);
}

export function encodeCause(out: ByteWriter, cause: Cause): void {
  const revisions = cause.revisions ?? [];
  out.text(cause.span).text(cause.actor).number(revisions.length);
  for (const revision of revisions) out.number(revision);
}

export function decodeTxns(reader: ByteReader, count: number): Txn[] {
  return times(count, () => decodeTxn(reader));
}

function decodeTxn(reader: ByteReader): Txn {
  return {
    sequence: reader.number(),
    compares: times(reader.number(), () => ({ key: reader.text(), revision: reader.number() })),
    operations: times(reader.number(), () => decodeOperation(reader)),
    cause: decodeCause(reader),
  };
}

function decodeOperation(reader: ByteReader): Operation {
  const type = reader.byte();
  if (type === DELETE) return { type: 'delete', key: reader.text() };
  if (type !== PUT && type !== PUT_WITH_LEASE)
    throw new RangeError(`an operation of type ${type}: written by a newer version?`);
  const put: Operation = { type: 'put', key: reader.text(), value: reader.bytes() };
  return type === PUT ? put : { ...put, lease: reader.text() };
}

export function decodeCause(reader: ByteReader): Cause {
  const span = reader.text();
  const actor = reader.text();
  const revisions = times(reader.number(), () => reader.number());
  return revisions.length === 0 ? { span, actor } : { span, actor, revisions };
}

// ---- answers ------------------------------------------------------------------------------------------------------

const OK = 0;
const REASONS = ['conflict', 'forgotten', 'too-large', 'quota', 'no-lease'] as const;

export function packReply(reply: StoreWriteReply): PackedReply {
  return 'refused' in reply ? reply : { ...reply, results: packResults(reply.results) };
}

/** Throws RangeError on bytes that `packReply` does not make. */
export function unpackReply(reply: PackedReply): StoreWriteReply {
  return 'refused' in reply ? reply : { ...reply, results: unpackResults(reply.results) };
}

function packResults(results: readonly TxnResult[]): Uint8Array {
  scratch.clear();
  scratch.number(results.length);
  for (const result of results) {
    scratch.number(result.sequence);
    if (result.ok) scratch.byte(OK).number(result.revision);
    else {
      scratch.byte(1 + REASONS.indexOf(result.reason));
      if (result.reason === 'conflict') scratch.text(result.key).number(result.current);
      else scratch.text(result.message);
    }
  }
  return scratch.finish();
}

function unpackResults(packed: Uint8Array): TxnResult[] {
  const reader = new ByteReader(packed);
  return times(reader.number(), () => decodeResult(reader));
}

function decodeResult(reader: ByteReader): TxnResult {
  const sequence = reader.number();
  const type = reader.byte();
  if (type === OK) return { sequence, ok: true, revision: reader.number() };
  const reason = REASONS[type - 1];
  if (reason === undefined) throw new RangeError(`a result of type ${type}: written by a newer version?`);
  if (reason === 'conflict') return { sequence, ok: false, reason, key: reader.text(), current: reader.number() };
  return { sequence, ok: false, reason, message: reader.text() };
}

// ---- what was committed -------------------------------------------------------------------------------------------

export function packCommitted(committed: StoreCommitted): Packed<StoreCommitted> {
  scratch.clear();
  for (const { revision, cause, changes } of committed.txns) {
    encodeCause(scratch.number(revision), cause);
    scratch.number(changes.length);
    for (const { type, key, createRevision, value } of changes) {
      beginChange(scratch, type === 'put' ? PUT : DELETE, key, createRevision);
      if (type === 'put') scratch.bytes(value);
    }
  }
  return { ...committed, txns: scratch.finish() };
}

/** Of a PUT its value follows, with its length in front. */
export function beginChange(
  out: ByteWriter,
  type: typeof PUT | typeof DELETE,
  key: string,
  createRevision: number,
): void {
  out.byte(type).text(key).number(createRevision);
}

/** Throws RangeError on bytes that `packCommitted` does not make. Values are views of `packed`. */
export function unpackCommitted(packed: Packed<StoreCommitted>): StoreCommitted {
  const reader = new ByteReader(packed.txns);
  const txns: CommittedTxn[] = [];
  while (!reader.done) txns.push(decodeCommitted(reader));
  return { ...packed, txns };
}

const NO_VALUE = new Uint8Array();

function decodeCommitted(reader: ByteReader): CommittedTxn {
  const revision = reader.number();
  const cause = decodeCause(reader);
  return { revision, cause, changes: times(reader.number(), () => decodeChange(reader)) };
}

function decodeChange(reader: ByteReader): CommittedChange {
  const type = reader.byte();
  if (type !== PUT && type !== DELETE) throw new RangeError(`a change of type ${type}: written by a newer version?`);
  const key = reader.text();
  const createRevision = reader.number();
  return type === PUT
    ? { type: 'put', key, value: reader.bytes(), createRevision }
    : { type: 'delete', key, value: NO_VALUE, createRevision };
}

function times<T>(count: number, make: () => T): T[] {
  const out: T[] = [];
  for (let i = 0; i < count; i++) out.push(make());
  return out;
}
