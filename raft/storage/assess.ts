// Decides what is still certain of a damaged log: term and vote, which entries there were, whether the end is known. Never
// counts a record that its checksum does not vouch for, and never takes the last readable thing for the last thing.
import type { Configuration, HardState, Index, Standing, Term } from '../core/types.ts';
import { decodeConfiguration } from '../core/configuration.ts';
import { decodeRecord, NOTHING_MISSING, type LogRecord, type SegmentHeader } from './log-record.ts';
import { HEADER_BYTES, judge, readRecord, recordBytes, type ScannedRecord } from './record.ts';
import { isBlank } from './segment-file.ts';

export interface SegmentBytes {
  number: number;
  bytes: Buffer;
}

export interface Remains {
  /** Of any segment: all of them say whose log it is. */
  identity: Pick<SegmentHeader, 'clusterId' | 'member' | 'firstConfiguration'> | undefined;
  hardState: HardState;
  standing: Standing;
  incarnation: number;
  place: string;
  /** The last that can be read. */
  configuration: Configuration | undefined;
  /** Something that tells term and vote stands behind the last damage. */
  isHardStateCertain: boolean;
  /** The last entry that was written, if what is behind the last damage tells it. Its term may be a bound. */
  last: { index: Index; term: Term } | undefined;
  /** In what can be read nothing was ever promised. */
  isUntouched: boolean;
}

const ALIGN_BYTES = 8;

/** `segments` in their order; the records of a torn end, which nobody was told of, do not count. */
export function assess(all: readonly SegmentBytes[]): Remains {
  const segments = withoutPrepared(all);
  const reading = new Reading(segments.length === 1 && segments[0]!.number === 1);
  for (const [i, { number, bytes }] of segments.entries()) {
    const before = segments[i - 1]?.number;
    if (before !== undefined ? number !== before + 1 || !reading.isEnded : number > 1) reading.lost();
    readSegment(reading, bytes, number, i === segments.length - 1);
  }
  const end = segments.at(-1);
  if (end === undefined || reading.isEnded) reading.lost();
  else if (isElsewhere(all, { segment: end.number, offset: endOf(end) })) reading.lost();
  return reading.remains();
}

/** One that lies ready and was never begun tells nothing; if the one before it says that the log goes on in it, it is lost. */
function withoutPrepared(segments: readonly SegmentBytes[]): readonly SegmentBytes[] {
  const [before, last] = segments.slice(-2);
  const isPrepared = last !== undefined && last.number - 1 === before!.number && isBlank(last.bytes);
  return isPrepared ? segments.slice(0, -1) : segments;
}

/** Every readable record, and `lost` where others were. */
function readSegment(reading: Reading, bytes: Buffer, segment: number, isLast: boolean): void {
  let batch: ScannedRecord[] = [];
  let before: ScannedRecord | undefined;
  reading.isEnded = false;
  for (let offset = 0; ;) {
    const record = readRecord(bytes, segment, offset);
    if (typeof record !== 'string') {
      const follows = before === undefined || record.batch === (before.last ? before.batch + 1 : before.batch);
      if (!follows) reading.lost();
      batch.push(record);
      if (record.last) for (const each of batch.splice(0)) reading.take(decodeRecord(each));
      before = record;
      offset += recordBytes(record.payload.length);
      continue;
    }
    const { found } = judge(bytes, segment, offset, before, record);
    const next = found === 'damage' ? findRecord(bytes, segment, offset + ALIGN_BYTES) : undefined;
    if (next === undefined) {
      if (found === 'damage' || (found === 'torn' && !isLast)) reading.lost();
      return;
    }
    for (const each of batch) reading.take(decodeRecord(each));
    batch = [];
    before = undefined;
    reading.lost();
    offset = next;
  }
}

function findRecord(bytes: Buffer, segment: number, from: number): number | undefined {
  for (let at = from; at + HEADER_BYTES <= bytes.length; at += ALIGN_BYTES) {
    // No type is zero, and most of what is unwritten is.
    if (bytes[at + 18] !== 0 && typeof readRecord(bytes, segment, at) !== 'string') return at;
  }
  return undefined;
}

/** Where the next batch would have gone. */
function endOf({ number, bytes }: SegmentBytes): number {
  let end = 0;
  for (let at: number | undefined = 0; at !== undefined; at = findRecord(bytes, number, end)) {
    const record = readRecord(bytes, number, at);
    if (typeof record !== 'string') end = at + recordBytes(record.payload.length);
    else if (end === 0 && at === 0) end = ALIGN_BYTES;
  }
  return end;
}

/**
 * Does the record that belongs at this place lie anywhere else? Then the disk put the last write there, over what is damaged
 * now, and what looks like the end is not it: the write was confirmed.
 */
export function isElsewhere(
  segments: readonly SegmentBytes[],
  { segment, offset }: { segment: number; offset: number },
): boolean {
  return segments.some(({ number, bytes }) => {
    for (let at = 0; at + HEADER_BYTES <= bytes.length; at += ALIGN_BYTES) {
      if (bytes[at + 18] === 0 || (number === segment && at === offset)) continue;
      if (typeof readRecord(bytes, segment, at, offset) !== 'string') return true;
    }
    return false;
  });
}

class Reading {
  isEnded = false;
  private identity: Remains['identity'];
  private hardState: HardState = { term: 0, vote: '', commit: 0 };
  private standing = NOTHING_MISSING;
  private incarnation = 0;
  private place = '';
  private configuration: Configuration | undefined;
  private isHardStateCertain = true;
  private isEndCertain = true;
  private lastIndex: Index = 0;
  private hasPromised = false;
  private readonly isFirst: boolean;
  private readonly terms = new Map<Index, Term>();

  /** `isFirst`: nothing but the first segment is there. */
  constructor(isFirst: boolean) {
    this.isFirst = isFirst;
  }

  lost(): void {
    this.isHardStateCertain = this.isEndCertain = false;
    // What is lost may have put others in the place of these.
    this.terms.clear();
  }

  take(record: LogRecord): void {
    this.isEnded = record.type === 'end';
    switch (record.type) {
      case 'segment': {
        const { header } = record;
        this.identity ??= header;
        this.place = header.place ?? this.place;
        this.lives(header.incarnation);
        return this.promised(header.hardState, header.standing);
      }
      case 'hardState':
        return this.promised(record.hardState, record.standing);
      case 'start':
        this.place = record.place ?? this.place;
        return this.lives(record.incarnation);
      case 'entry':
        this.ends(record.entry.index, record.entry.term);
        if (record.entry.kind === 'configuration') this.configuration = decodeConfiguration(record.entry.data);
        return;
      case 'truncate':
        return this.ends(record.from - 1, this.terms.get(record.from - 1));
      case 'reset':
        return this.ends(record.index, record.term);
      case 'end':
        return;
      default:
        record satisfies never;
    }
  }

  private lives(incarnation: number): void {
    this.incarnation = Math.max(this.incarnation, incarnation);
  }

  private promised(hardState: HardState, standing: Standing = NOTHING_MISSING): void {
    this.hardState = hardState;
    this.standing = standing;
    this.hasPromised ||= hardState.term > 0 || standing.doubt !== 'newborn';
    this.lives(standing.incarnation);
    this.isHardStateCertain = true;
  }

  private ends(index: Index, term: Term | undefined): void {
    this.lastIndex = index;
    this.hasPromised = true;
    if (term !== undefined) this.terms.set(index, term);
    this.isEndCertain = true;
  }

  remains(): Remains {
    const { identity, hardState, standing, incarnation, place, configuration, isHardStateCertain, lastIndex } = this;
    const isUntouched = this.isFirst && !this.hasPromised;
    const term = lastIndex === 0 ? 0 : (this.terms.get(lastIndex) ?? hardState.term);
    const last = this.isEndCertain && isHardStateCertain ? { index: lastIndex, term } : undefined;
    return { identity, hardState, standing, incarnation, place, configuration, isHardStateCertain, last, isUntouched };
  }
}
