// Decides what the records of the log say: hard state, entries, cuts. Never knows where they lie (record.ts does).
import { invariant } from '../../lib/base/errors.ts';
import {
  ENTRY_KINDS,
  type Configuration,
  type Entry,
  type HardState,
  type Index,
  type Standing,
  type Term,
} from '../core/types.ts';
import type { RecordToWrite } from './record.ts';

/** First record of each segment: whose log this is, and the last hard state, since older segments may be dropped. */
export interface SegmentHeader {
  version: 1;
  clusterId: string;
  member: string;
  incarnation: number;
  /** Who counted before the first configuration entry. */
  firstConfiguration: Configuration;
  hardState: HardState;
  /** Not given while nothing is missing. */
  standing?: Standing | undefined;
  place?: string | undefined;
}

export type LogRecord =
  | { type: 'segment'; header: SegmentHeader }
  /** With the standing, unless nothing is missing: so the last of these alone tells everything but the entries. */
  | { type: 'hardState'; hardState: HardState; standing?: Standing | undefined }
  | { type: 'entry'; entry: Entry }
  /** Entries from here on are dropped. */
  | { type: 'truncate'; from: Index }
  /** The log begins anew after a snapshot: every entry before is dropped. */
  | { type: 'reset'; index: Index; term: Term }
  /** The log goes on in the next segment, which exists. */
  | { type: 'end' }
  /** A member was started with this incarnation, in the directory that this place names (Disk.identify). */
  | { type: 'start'; incarnation: number; place?: string | undefined };

export const NOTHING_MISSING: Standing = { doubt: '', damagedThrough: 0, damagedTerm: 0, incarnation: 0 };
export const isMissingNothing = ({ doubt, damagedThrough }: Standing): boolean => doubt === '' && damagedThrough === 0;

const TYPES = ['segment', 'hardState', 'entry', 'truncate', 'reset', 'end', 'start'] as const;
/** index, term, kind */
const ENTRY_HEAD_BYTES = 13;

export function encodeRecord(record: LogRecord): RecordToWrite {
  const type = TYPES.indexOf(record.type) + 1;
  if (record.type !== 'entry') return { type, payload: Buffer.from(JSON.stringify(record)) };
  return { type, head: entryHead(record.entry), payload: record.entry.data };
}

/** Throws on what its checksum said is whole and yet cannot be read: a version of ours that is not known here. */
export function decodeRecord(record: RecordToWrite): LogRecord {
  const type = TYPES[record.type - 1];
  if (type === undefined)
    throw new Error(`a record of type ${record.type}: written by a newer version? Start that version instead`);
  if (type === 'entry') return { type, entry: decodeEntry(Buffer.from(record.payload)) };
  const parsed = JSON.parse(Buffer.from(record.payload).toString('utf8')) as LogRecord;
  invariant(parsed.type === type, 'a record of type % holds a %', type, parsed.type);
  return parsed;
}

function entryHead({ index, term, kind }: Entry): Buffer {
  const out = Buffer.allocUnsafe(ENTRY_HEAD_BYTES);
  out.writeUIntLE(index, 0, 6);
  out.writeUIntLE(term, 6, 6);
  out[12] = ENTRY_KINDS.indexOf(kind);
  return out;
}

/** `data` is a copy: a view would keep the whole segment in memory. */
function decodeEntry(payload: Buffer): Entry {
  const kind = ENTRY_KINDS[payload[12]!];
  invariant(kind !== undefined, 'an entry of unknown kind %', payload[12]);
  return {
    index: payload.readUIntLE(0, 6),
    term: payload.readUIntLE(6, 6),
    kind,
    data: new Uint8Array(payload.subarray(ENTRY_HEAD_BYTES)),
  };
}
