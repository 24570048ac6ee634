// Decides what the log holds: which entries are in memory, handed to storage, durable, and what cutting off its end undoes.
// Never decides which entries are right, and never touches the disk: it reads what is durable through LogReader.
import { invariant } from '../../lib/base/errors.ts';
import type { AppendId, Entry, Index, LogReader, SnapshotDescription, Term } from './types.ts';

/** A write that storage has not confirmed. When done, the log is durable up to `through`. */
export interface PendingWrite {
  appendId: AppendId;
  through: Index;
  /** When it was handed over, in ticks of this life. */
  tick: number;
}

export interface Log {
  reader: LogReader;
  /** The position before the first entry: compacted or from a snapshot. Its term is unknown after some restarts. */
  baseIndex: Index;
  baseTerm: Term | undefined;
  /** The tail in memory: index `windowStart` up to the last; everything before it is durable and read from disk. */
  window: Entry[];
  windowStart: Index;
  windowBytes: number;
  lastIndex: Index;
  lastTerm: Term;
  /** Handed to storage. */
  written: Index;
  durable: Index;
  /** Set when entries that storage already has were cut off: said with the next write. */
  truncateFrom: Index | undefined;
  /** Set when the whole log was replaced: said instead of the next write. */
  install: SnapshotDescription | undefined;
  /** The write that carries it; the old snapshot is needed until that is done. */
  installing: AppendId | undefined;
  pending: PendingWrite[];
  nextAppendId: AppendId;
}

/** Rough cost of one entry object beside its data. */
const ENTRY_OVERHEAD_BYTES = 64;
export const costOf = (entry: Entry): number => entry.data.length + ENTRY_OVERHEAD_BYTES;

export function termAt(log: Log, index: Index): Term | 'compacted' | 'unavailable' {
  invariant(index <= log.lastIndex, 'term of % was asked, the log ends at %', index, log.lastIndex);
  if (index === log.lastIndex) return log.lastTerm;
  if (index >= log.windowStart) return log.window[index - log.windowStart]!.term;
  if (index === log.baseIndex && log.baseTerm !== undefined) return log.baseTerm;
  return index <= log.baseIndex ? 'compacted' : log.reader.term(index);
}

/** True if the entry at `index` is known to have `term`. */
export const hasEntry = (log: Log, index: Index, term: Term): boolean =>
  index <= log.lastIndex && termAt(log, index) === term;

/** Entries from..to, at least one, cut at `maxBytes`. What is on disk and what is in memory come in separate calls. */
export function sliceLog(log: Log, from: Index, to: Index, maxBytes: number): Entry[] | 'compacted' | 'unavailable' {
  invariant(from <= to && to <= log.lastIndex, 'entries %..% were asked, the log ends at %', from, to, log.lastIndex);
  if (from <= log.baseIndex) return 'compacted';
  if (from < log.windowStart) return readDurable(log, from, Math.min(to, log.windowStart - 1), maxBytes);
  const first = from - log.windowStart;
  let end = first;
  let bytes = 0;
  while (end <= to - log.windowStart) {
    bytes += log.window[end]!.data.length;
    if (bytes > maxBytes && end > first) break;
    end++;
  }
  return log.window.slice(first, end);
}

function readDurable(log: Log, from: Index, to: Index, maxBytes: number): Entry[] | 'compacted' | 'unavailable' {
  invariant(to <= log.durable, 'entry % would be read from disk, durable is %', to, log.durable);
  const entries = log.reader.entries(from, to, maxBytes);
  if (typeof entries === 'string') return entries;
  invariant(
    entries.length > 0 && entries[0]!.index === from && entries.at(-1)!.index <= to,
    'storage was asked for entries %..% and gave %..%',
    from,
    to,
    entries[0]?.index,
    entries.at(-1)?.index,
  );
  return entries;
}

/** Adds entries that follow the last one. */
export function appendToLog(log: Log, entries: readonly Entry[]): void {
  for (const entry of entries) {
    invariant(entry.index === log.lastIndex + 1, 'entry % does not follow %', entry.index, log.lastIndex);
    invariant(entry.term >= log.lastTerm, 'entry % has term %, after term %', entry.index, entry.term, log.lastTerm);
    log.window.push(entry);
    log.windowBytes += costOf(entry);
    log.lastIndex = entry.index;
    log.lastTerm = entry.term;
  }
}

/**
 * Cuts off everything from `from`; `termBefore` is the term of `from - 1`. Writes in flight confirm only what survives:
 * otherwise the confirmation of a cut entry could be taken for one of the same index and term that comes back under a
 * later leader (the ABA race of asynchronous writes).
 */
export function truncateLog(log: Log, from: Index, termBefore: Term): void {
  invariant(
    from > log.baseIndex && from <= log.lastIndex,
    'the log %..% was cut at %',
    log.baseIndex,
    log.lastIndex,
    from,
  );
  const keep = Math.max(0, from - log.windowStart);
  for (let i = keep; i < log.window.length; i++) log.windowBytes -= costOf(log.window[i]!);
  log.window.length = keep;
  log.windowStart = Math.min(log.windowStart, from);
  if (from <= log.written) log.truncateFrom = Math.min(log.truncateFrom ?? from, from);
  log.lastIndex = from - 1;
  log.lastTerm = termBefore;
  clampWrites(log, from - 1);
}

function clampWrites(log: Log, through: Index): void {
  log.written = Math.min(log.written, through);
  log.durable = Math.min(log.durable, through);
  for (const write of log.pending) write.through = Math.min(write.through, through);
}

/** Replaces everything by a snapshot. `committed`: what is kept of the old log until the snapshot is durable. */
export function resetLog(log: Log, snapshot: SnapshotDescription, committed: Index): void {
  clampWrites(log, committed);
  log.baseIndex = log.lastIndex = log.written = snapshot.index;
  log.baseTerm = log.lastTerm = snapshot.term;
  log.window = [];
  log.windowBytes = 0;
  log.windowStart = snapshot.index + 1;
  log.truncateFrom = undefined;
  log.install = snapshot;
}

/** Takes the number of the write that this step hands over. */
export function beginWrite(log: Log, tick: number): AppendId {
  const appendId = log.nextAppendId++;
  log.written = log.lastIndex;
  log.pending.push({ appendId, through: log.lastIndex, tick });
  return appendId;
}

/** Entries that no write has carried yet. */
export function unwritten(log: Log): Entry[] {
  if (log.written === log.lastIndex) return [];
  return log.window.slice(log.written + 1 - log.windowStart);
}

/** Confirms `appendId` and all before it. */
export function confirmWrites(log: Log, appendId: AppendId): void {
  invariant(appendId < log.nextAppendId, 'write % was confirmed, the last begun is %', appendId, log.nextAppendId - 1);
  while (log.pending.length > 0 && log.pending[0]!.appendId <= appendId) {
    log.durable = Math.max(log.durable, log.pending.shift()!.through);
  }
  if (log.installing !== undefined && log.installing <= appendId) log.installing = undefined;
}

/** Lets go of entries up to `through` from memory, oldest first, until the rest costs at most `maxBytes`. */
export function trimWindow(log: Log, through: Index, maxBytes: number): void {
  // A quarter of slack, so that the array is not moved for every entry.
  if (log.windowBytes <= maxBytes * 1.25) return;
  let count = 0;
  while (count < log.window.length && log.window[count]!.index <= through && log.windowBytes > maxBytes) {
    log.windowBytes -= costOf(log.window[count]!);
    count++;
  }
  log.window.splice(0, count);
  log.windowStart += count;
}

/** Forgets entries up to `index`. False if that cannot be done now. */
export function compactLog(log: Log, index: Index): boolean {
  const term = termAt(log, index);
  if (typeof term === 'string') return false;
  log.baseIndex = index;
  log.baseTerm = term;
  while (log.windowStart <= index && log.window.length > 0) {
    log.windowBytes -= costOf(log.window.shift()!);
    log.windowStart++;
  }
  return true;
}

/**
 * The last index at or before `index` whose term is at most `term`. Both sides use it to skip whole terms while they look
 * for the last common entry (Raft paper, end of 5.3): nothing after it can agree with an entry of `term` at `index`.
 */
export function lastIndexWithTermAtMost(log: Log, index: Index, term: Term): { index: Index; term: Term } {
  for (let i = Math.min(index, log.lastIndex); i > 0; i--) {
    const own = termAt(log, i);
    if (own === 'compacted' || own === 'unavailable') return { index: i, term: 0 };
    if (own <= term) return { index: i, term: own };
  }
  return { index: 0, term: 0 };
}
