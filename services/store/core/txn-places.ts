// Decides where in a log entry the parts of a transaction lie, as lib/bus/packed.ts lays them: what is only looked up or copied
// gets neither a text nor a view of its own. Never decides what a transaction does.
import { ByteWriter, type ByteReader } from '../../../lib/base/bytes.ts';
import type { Cause } from '../../../lib/bus/messages.ts';
import { DELETE, encodeCause, PUT, PUT_WITH_LEASE } from '../../../lib/bus/packed.ts';
import type { Put } from './versions.ts';

/** From `from` to before `to`. */
export interface Place {
  from: number;
  to: number;
}

export interface ComparePlaces {
  key: Place;
  revision: number;
}

export interface OperationPlaces {
  key: Place;
  /** undefined: the key is to be deleted. */
  put: Put | undefined;
}

/** As it lies in `data`. */
export interface PackedCause extends Place {
  data: Uint8Array;
  /** What it counts for in the limits of the history. */
  cost: number;
}

export interface TxnPlaces {
  /** What all places are in. */
  data: Uint8Array;
  sequence: number;
  compares: readonly ComparePlaces[];
  operations: readonly OperationPlaces[];
  cause: PackedCause;
}

const NONE: readonly never[] = [];
const REVISION_COST = 8;

export function readTxn(reader: ByteReader): TxnPlaces {
  return {
    data: reader.buffer,
    sequence: reader.number(),
    compares: readCompares(reader, reader.number()),
    operations: readOperations(reader, reader.number()),
    cause: readCause(reader),
  };
}

function readCompares(reader: ByteReader, count: number): readonly ComparePlaces[] {
  if (count === 0) return NONE;
  const compares: ComparePlaces[] = [];
  for (let left = count; left > 0; left--) compares.push({ key: readPlace(reader), revision: reader.number() });
  return compares;
}

function readOperations(reader: ByteReader, count: number): readonly OperationPlaces[] {
  // Nearly all have one; a list that begins empty takes room for sixteen.
  if (count === 1) return [readOperation(reader)];
  const operations: OperationPlaces[] = [];
  for (let left = count; left > 0; left--) operations.push(readOperation(reader));
  return operations;
}

function readOperation(reader: ByteReader): OperationPlaces {
  const type = reader.byte();
  if (type !== DELETE && type !== PUT && type !== PUT_WITH_LEASE)
    throw new RangeError(`an operation of type ${type}: written by a newer version?`);
  const key = readPlace(reader);
  return { key, put: type === DELETE ? undefined : readPut(reader, type === PUT_WITH_LEASE) };
}

export function readPut(reader: ByteReader, withLease: boolean): Put {
  const { from, to } = readPlace(reader);
  return { data: reader.buffer, from, to, lease: withLease ? reader.text() : undefined };
}

/** Of a text or of bytes. */
export function readPlace(reader: ByteReader): Place {
  const length = reader.passBytes();
  const to = reader.position;
  return { from: to - length, to };
}

export function readCause(reader: ByteReader): PackedCause {
  const from = reader.position;
  const texts = reader.passBytes() + reader.passBytes();
  const revisions = reader.number();
  for (let left = revisions; left > 0; left--) reader.number();
  return { data: reader.buffer, from, to: reader.position, cost: texts + revisions * REVISION_COST };
}

/** Of a transaction that is in no entry. */
export function packCause(cause: Cause): PackedCause {
  const out = new ByteWriter();
  encodeCause(out, cause);
  const data = out.finish();
  const cost = cause.span.length + cause.actor.length + (cause.revisions?.length ?? 0) * REVISION_COST;
  return { data, from: 0, to: data.length, cost };
}
