// Decides how what the leader proposes lies in a log entry. Never decides what it does (state-machine.ts).
import type { Cause, Operation, StoreWrite, Txn } from '../../../lib/bus/messages.ts';
import { ByteReader, ByteWriter } from './codec.ts';

/** What an entry of kind `data` asks of the state machine. */
export type Command =
  | { type: 'writes'; writes: StoreWrite[] }
  /** Forget what was before this revision, earlier than the limits would. */
  | { type: 'compact'; revision: number };

const WRITES = 1;
const COMPACT = 2;
const PUT = 1;
const DELETE = 2;

export function encodeCompact(revision: number): Uint8Array {
  return new ByteWriter(16).byte(COMPACT).number(revision).finish();
}

/** Several writes, each encoded by itself when it arrived, become one entry. */
export function joinWrites(encoded: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(encoded.reduce((sum, each) => sum + each.length, 1));
  out[0] = WRITES;
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
  scratch.text(write.session).number(write.acknowledged).number(write.txns.length);
  for (const txn of write.txns) encodeTxn(scratch, txn);
  return scratch.finish();
}

function encodeTxn(out: ByteWriter, txn: Txn): void {
  out.number(txn.sequence).number(txn.compares.length);
  for (const { key, revision } of txn.compares) out.text(key).number(revision);
  out.number(txn.operations.length);
  for (const operation of txn.operations) {
    out.byte(operation.type === 'put' ? PUT : DELETE).text(operation.key);
    if (operation.type === 'put') out.bytes(operation.value);
  }
  encodeCause(out, txn.cause);
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
  if (type !== WRITES) throw new RangeError(`a command of type ${type}: written by a newer version?`);
  const writes: StoreWrite[] = [];
  while (!reader.done) {
    const session = reader.text();
    const acknowledged = reader.number();
    writes.push({ session, acknowledged, txns: times(reader.number(), () => decodeTxn(reader)) });
  }
  return { type: 'writes', writes };
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
  return reader.byte() === PUT
    ? { type: 'put', key: reader.text(), value: reader.bytes() }
    : { type: 'delete', key: reader.text() };
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
