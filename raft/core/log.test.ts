// Shows that the log with its window in memory, writes in flight, cuts and compaction answers as a plain array would.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import {
  appendToLog,
  beginWrite,
  compactLog,
  confirmWrites,
  lastIndexWithTermAtMost,
  sliceLog,
  termAt,
  trimWindow,
  truncateLog,
  unwritten,
  type Log,
} from './log.ts';
import type { Entry } from './types.ts';

/** A log over a disk that holds what was confirmed, and the plain truth beside it. */
class Model {
  /** The truth: entries from 1, whatever was compacted. */
  all: Entry[] = [];
  /** What the disk holds after each write in flight is done. */
  disk: Entry[] = [];
  writes: { appendId: number; image: Entry[] }[] = [];
  base = 0;
  log: Log;

  constructor() {
    this.log = {
      reader: {
        term: (index) => this.disk[index - 1]!.term,
        entries: (from, to, maxBytes) => cut(this.disk.slice(from - 1, to), maxBytes),
      },
      baseIndex: 0,
      baseTerm: 0,
      window: [],
      windowStart: 1,
      windowBytes: 0,
      lastIndex: 0,
      lastTerm: 0,
      written: 0,
      durable: 0,
      truncateFrom: undefined,
      install: undefined,
      installing: undefined,
      pending: [],
      nextAppendId: 1,
    };
  }

  append(count: number, term: number): void {
    const { log } = this;
    const first = log.lastIndex + 1;
    const entries = Array.from({ length: count }, (_, i): Entry => ({
      index: first + i,
      term: Math.max(term, log.lastTerm),
      kind: 'data',
      data: new Uint8Array(i + 1),
    }));
    appendToLog(log, entries);
    this.all.push(...entries);
    this.handOver();
  }

  truncate(from: number): void {
    if (from <= this.base || from > this.all.length) return;
    truncateLog(this.log, from, this.all[from - 2]?.term ?? 0);
    this.all = this.all.slice(0, from - 1);
    this.append(1, this.log.lastTerm + 1);
  }

  handOver(): void {
    const fresh = unwritten(this.log);
    this.log.truncateFrom = undefined;
    if (fresh.length > 0) this.writes.push({ appendId: beginWrite(this.log, 0), image: [...this.all] });
  }

  confirm(): void {
    const write = this.writes.shift();
    if (write === undefined) return;
    this.disk = write.image;
    confirmWrites(this.log, write.appendId);
  }

  compact(index: number): void {
    if (index > this.base && index <= this.log.durable && compactLog(this.log, index)) this.base = index;
  }
}

function cut(entries: Entry[], maxBytes: number): Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, i) => (bytes += entry.data.length) > maxBytes && i > 0);
  return end === -1 ? entries : entries.slice(0, end);
}

const actions = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('append' as const), a: fc.integer({ min: 1, max: 4 }), b: fc.nat(9) }),
    fc.record({ do: fc.constant('truncate' as const), a: fc.integer({ min: 1, max: 20 }), b: fc.nat() }),
    fc.record({ do: fc.constant('confirm' as const), a: fc.nat(), b: fc.nat() }),
    fc.record({ do: fc.constant('trim' as const), a: fc.nat(300), b: fc.nat() }),
    fc.record({ do: fc.constant('compact' as const), a: fc.nat(20), b: fc.nat() }),
  ),
  { maxLength: 40 },
);

test('a log answers as a plain array would, whatever happened to it', (t) => {
  fc.assert(
    fc.property(actions, fc.nat(12), (list, maxBytes) => {
      const model = new Model();
      for (const { do: what, a, b } of list) {
        if (what === 'append') model.append(a, b);
        if (what === 'truncate') model.truncate(a);
        if (what === 'confirm') model.confirm();
        if (what === 'trim') trimWindow(model.log, model.log.durable, a);
        if (what === 'compact') model.compact(a);
        const { log, all, base } = model;
        t.is(log.lastIndex, all.length);
        // Durable is only what the disk holds, entry for entry.
        t.deepEqual(model.disk.slice(base, log.durable), all.slice(base, log.durable));
        for (let index = base + 1; index <= all.length; index++) t.is(termAt(log, index), all[index - 1]!.term);
        if (base < all.length) {
          const slice = sliceLog(log, base + 1, all.length, maxBytes) as Entry[];
          t.deepEqual(slice, all.slice(base, base + slice.length));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the last index of at most a term is found as by looking at all', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 15 }), fc.nat(20), fc.nat(6), (terms, index, term) => {
      const model = new Model();
      for (const each of terms) model.append(1, each);
      const naive = model.all.findLast((entry) => entry.index <= index && entry.term <= term);
      t.deepEqual(lastIndexWithTermAtMost(model.log, index, term), {
        index: naive?.index ?? 0,
        term: naive?.term ?? 0,
      });
    }),
  );
});
