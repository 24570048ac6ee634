// Decides how what the leader proposes lies in a log entry. Never decides what it does (state-machine.ts).
import type { Cause, Operation, StoreWrite, Txn } from '../../../lib/bus/messages.ts';
import { ByteReader, ByteWriter } from './codec.ts';
import { limitNumbers, limitsFrom, type StoreLimits } from './limits.ts';

/** What an entry of kind `data` asks of the state machine. */
export type Command =
  | { type: 'writes'; writes: StoreWrite[] }
  /** Forget what was before this revision, earlier than the limits would. */
  | { type: 'compact'; revision: number }
  /** `atMs`: the store's own time, as the leader has it. */
  | LeaseCommand
  | { type: 'time'; atMs: number }
  | { type: 'limits'; limits: Partial<StoreLimits> };

export interface LeaseCommand {
  type: 'lease';
  action: 'grant' | 'keepAlive' | 'revoke';
  id: string;
  /** Of a grant; else 0. */
  ttlMs: number;
  atMs: number;
}

const WRITES = 1;
const COMPACT = 2;
const LEASE = 3;
const TIME = 4;
/** As WRITES, and each says since when its session is. */
const WRITES_SINCE = 5;
const LIMITS = 6;
const PUT = 1;
const DELETE = 2;
const PUT_WITH_LEASE = 3;
const LEASE_ACTIONS = ['grant', 'keepAlive', 'revoke'] as const;

export function encodeCompact(revision: number): Uint8Array {
  return new ByteWriter(16).byte(COMPACT).number(revision).finish();
}

export function encodeLease({ action, id, ttlMs, atMs }: LeaseCommand): Uint8Array {
  return new ByteWriter(64)
    .byte(LEASE)
    .byte(LEASE_ACTIONS.indexOf(action))
    .text(id)
    .number(ttlMs)
    .number(atMs)
    .finish();
}

export function encodeTime(atMs: number): Uint8Array {
  return new ByteWriter(16).byte(TIME).number(atMs).finish();
}

export function encodeLimits(limits: StoreLimits): Uint8Array {
  const out = new ByteWriter(64).byte(LIMITS);
  for (const number of limitNumbers(limits)) out.number(number);
  return out.finish();
}

/** Several writes, each encoded by itself when it arrived, become one entry. */
export function joinWrites(encoded: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(encoded.reduce((sum, each) => sum + each.length, 1));
  out[0] = WRITES_SINCE;
  let offset = 1;
  for (const each of encoded) {
    out.set(each, offset);
    offset += each.length;
  }
  return out;
}

/** Used again for each write: a new buffer for each costs more than the encoding. */
const scratch = new ByteWriter(65_536);

export function encodeWrite(write: StoreWrite): Uint8Array {
  scratch.clear();
  scratch
    .text(write.session)
    .number(write.acknowledged)
    .number(write.since ?? 0)
    .number(write.txns.length);
  for (const txn of write.txns) encodeTxn(scratch, txn);
  return scratch.finish();
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

/** Throws on bytes that no version of ours wrote. */
export function decodeCommand(data: Uint8Array): Command {
  const reader = new ByteReader(data);
  const type = reader.byte();
  if (type === COMPACT) return { type: 'compact', revision: reader.number() };
  if (type === TIME) return { type: 'time', atMs: reader.number() };
  if (type === LEASE) return decodeLease(reader);
  if (type === LIMITS) return { type: 'limits', limits: decodeLimits(reader) };
  if (type !== WRITES && type !== WRITES_SINCE)
    throw new RangeError(`a command of type ${type}: written by a newer version?`);
  const writes: StoreWrite[] = [];
  while (!reader.done) {
    const session = reader.text();
    const acknowledged = reader.number();
    const since = type === WRITES_SINCE ? reader.number() : 0;
    writes.push({ session, acknowledged, since, txns: times(reader.number(), () => decodeTxn(reader)) });
  }
  return { type: 'writes', writes };
}

export function decodeLimits(reader: ByteReader): Partial<StoreLimits> {
  const numbers: number[] = [];
  while (!reader.done) numbers.push(reader.number());
  return limitsFrom(numbers);
}

function decodeLease(reader: ByteReader): LeaseCommand {
  const action = LEASE_ACTIONS[reader.byte()];
  if (action === undefined) throw new RangeError('an unknown action on a lease: written by a newer version?');
  return { type: 'lease', action, id: reader.text(), ttlMs: reader.number(), atMs: reader.number() };
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

function times<T>(count: number, make: () => T): T[] {
  const out: T[] = [];
  for (let i = 0; i < count; i++) out.push(make());
  return out;
}
