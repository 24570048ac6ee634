// Decides whether packed transactions are surely such as the store takes, without making an object of any: nearly all are.
// Never says what is wrong with one that is not, or only unusual: validate.ts takes that apart.
import { ByteReader } from '../../../lib/base/bytes.ts';
import { DELETE, PUT, PUT_WITH_LEASE } from '../../../lib/bus/packed.ts';

export const NAME_CHARACTERS = 512;
export const KEY_CHARACTERS = 4_096;
export const TXNS = 10_000;
export const OPERATIONS = 10_000;

/** Texts of ASCII within the bounds, known operations, nothing behind the end. */
export function arePlain(packed: Uint8Array): boolean {
  const reader = new ByteReader(packed);
  try {
    const txns = reader.number();
    if (txns === 0 || txns > TXNS) return false;
    for (let i = 0; i < txns; i++) if (!isPlainTxn(reader)) return false;
    return reader.done;
  } catch {
    return false;
  }
}

function isPlainTxn(reader: ByteReader): boolean {
  if (reader.number() === 0) return false;
  const compares = reader.number();
  if (compares > OPERATIONS) return false;
  for (let i = 0; i < compares; i++) {
    if (!isPlainKey(reader)) return false;
    reader.number();
  }
  const operations = reader.number();
  if (operations > OPERATIONS) return false;
  for (let i = 0; i < operations; i++) if (!isPlainOperation(reader)) return false;
  return isPlainName(reader, 0) && isPlainName(reader, 0) && passNumbers(reader);
}

function isPlainOperation(reader: ByteReader): boolean {
  const type = reader.byte();
  if ((type !== PUT && type !== DELETE && type !== PUT_WITH_LEASE) || !isPlainKey(reader)) return false;
  if (type !== DELETE) reader.passBytes();
  return type !== PUT_WITH_LEASE || isPlainName(reader, 1);
}

function isPlainKey(reader: ByteReader): boolean {
  const length = reader.passText();
  return length >= 1 && length <= KEY_CHARACTERS;
}

function isPlainName(reader: ByteReader, shortest: number): boolean {
  const length = reader.passText();
  return length >= shortest && length <= NAME_CHARACTERS;
}

function passNumbers(reader: ByteReader): boolean {
  for (let left = reader.number(); left > 0; left--) reader.number();
  return true;
}
