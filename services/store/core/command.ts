// Decides how what the leader proposes lies in a log entry. Never decides what it does (state-machine.ts).
import { ByteReader, ByteWriter } from '../../../lib/base/bytes.ts';
import type { StoreWrite } from '../../../lib/bus/messages.ts';
import { decodeTxns, type Packed } from '../../../lib/bus/packed.ts';
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

/** Several writes become one entry; their transactions go in as they came. */
export function encodeWrites(writes: readonly Packed<StoreWrite>[]): Uint8Array {
  const out = new ByteWriter(writes.reduce((sum, write) => sum + bytesOfWrite(write), 1)).byte(WRITES_SINCE);
  for (const { session, acknowledged, since, txns } of writes)
    out
      .text(session)
      .number(acknowledged)
      .number(since ?? 0)
      .raw(txns);
  return out.view();
}

/** At most, unless its session has a name that is not ASCII. */
export function bytesOfWrite({ session, txns }: Packed<StoreWrite>): number {
  return session.length + txns.length + 24;
}

/** Throws on bytes that no version of ours wrote. */
export function decodeCommand(data: Uint8Array): Command {
  const reader = new ByteReader(data);
  const type = reader.byte();
  if (type === COMPACT) return { type: 'compact', revision: reader.number() };
  if (type === TIME) return { type: 'time', atMs: reader.number() };
  if (type === LEASE) return decodeLease(reader);
  if (type === LIMITS) return { type: 'limits', limits: decodeLimits(reader) };
  if (!isWrites(data)) throw new RangeError(`a command of type ${type}: written by a newer version?`);
  const writes: StoreWrite[] = [];
  while (!reader.done) {
    const { count, ...head } = readWriteHead(type, reader);
    writes.push({ ...head, txns: decodeTxns(reader, count) });
  }
  return { type: 'writes', writes };
}

/** Then, behind the byte that says so, lies the head of each write (`readWriteHead`) before its transactions. */
export const isWrites = (data: Uint8Array): boolean => data[0] === WRITES || data[0] === WRITES_SINCE;

/** `type`: the first byte of the command. */
export function readWriteHead(
  type: number,
  reader: ByteReader,
): Omit<StoreWrite, 'txns'> & { count: number; since: number } {
  const session = reader.text();
  const acknowledged = reader.number();
  const since = type === WRITES_SINCE ? reader.number() : 0;
  return { session, acknowledged, since, count: reader.number() };
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
