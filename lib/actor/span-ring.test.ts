// Shows what is remembered of a long past, and that pages give each remembered span once.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import type { Span, TraceQuery } from '../bus/messages.ts';
import { encode } from '../bus/codec.ts';
import { SpanRing } from './span-ring.ts';

const BOUNDS = { spans: 10, bytes: 1_000_000, pageBytes: 1_000_000 };

function span(n: number, text = ''): Span {
  return {
    version: 1,
    id: `a-1/boot/${n}`,
    actor: 'store',
    instance: 'a-1',
    verb: 'sync',
    kind: 'Pod',
    namespace: 'default',
    name: 'x',
    causes: { revisions: [n] },
    startedAt: n,
    queuedMs: 0,
    durationMs: 1,
    outcome: 'unchanged',
    saw: text,
    did: [],
    wrote: [],
  };
}

const ringOf = (bounds: typeof BOUNDS): SpanRing => new SpanRing('a-1/boot/', bounds);
const push = (ring: SpanRing, one: Span): void => ring.push(one.startedAt, one.startedAt, encode(one));

function filled(bounds: typeof BOUNDS, spans: readonly Span[]): SpanRing {
  const ring = ringOf(bounds);
  for (const one of spans) push(ring, one);
  return ring;
}

/** As a reader on the bus would. */
function readAll(ring: SpanRing, query: TraceQuery = {}): number[] {
  const seen: number[] = [];
  for (let after: string | undefined; ;) {
    const page = ring.page({ ...query, ...(after === undefined ? {} : { after }) });
    if (page.length === 0) return seen;
    seen.push(...page.map(({ startedAt }) => startedAt));
    after = page.at(-1)!.id;
  }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('the newest spans stay, oldest first', (t) => {
  const ring = filled(
    BOUNDS,
    numbers(1, 25).map((n) => span(n)),
  );
  t.deepEqual(readAll(ring), numbers(16, 25));
  t.deepEqual(readAll(ring, { sinceMs: 22 }), [22, 23, 24, 25]);
  t.deepEqual(
    ring.page({ limit: 2 }).map(({ startedAt }) => startedAt),
    [24, 25],
  );
});

test('however large spans are, what is kept of them stays below its bound', (t) => {
  const ring = ringOf({ ...BOUNDS, spans: 5000, bytes: 100_000 });
  for (const n of numbers(1, 500)) {
    push(ring, span(n, 'x'.repeat(1000)));
    if (ring.bytes > 100_000) return t.fail(`${ring.bytes} bytes after ${n}`);
  }
  t.true(ring.size > 10);
});

test('a page is never larger on the bus than its bound, unless one span alone is', (t) => {
  const bounds = { ...BOUNDS, spans: 5000, pageBytes: 20_000 };
  const ring = filled(
    bounds,
    numbers(1, 300).map((n) => span(n, 'ü€'.repeat(n))),
  );
  const first = ring.page({});
  t.true(first.length > 1 && first.length < 300);
  t.true(encode(first).length <= 20_000);
  t.deepEqual(readAll(ring), numbers(1, 300));
});

test('a cursor that is forgotten, or of an earlier life, goes on with the oldest that is there', (t) => {
  const ring = filled(
    BOUNDS,
    numbers(1, 25).map((n) => span(n)),
  );
  t.is(ring.page({ after: 'a-1/boot/3' })[0]?.startedAt, 16);
  t.is(ring.page({ after: 'a-1/before/99' })[0]?.startedAt, 16);
  t.is(ring.page({ after: 'a-1/boot/20', limit: 1 })[0]?.startedAt, 21);
});

test('whatever the bounds: pages give each remembered span once and in order', (t) => {
  const drawn = fc.record({
    spans: fc.integer({ min: 1, max: 30 }),
    bytes: fc.integer({ min: 500, max: 30_000 }),
    pageBytes: fc.integer({ min: 1, max: 20_000 }),
    sizes: fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 80 }),
  });
  fc.assert(
    fc.property(drawn, ({ sizes, ...bounds }) => {
      const ring = filled(
        bounds,
        sizes.map((size, i) => span(i + 1, 'x'.repeat(size))),
      );
      const seen = readAll(ring);
      const newest = numbers(sizes.length - ring.size + 1, sizes.length);
      return ring.size <= bounds.spans && seen.join() === newest.join();
    }),
  );
  t.pass();
});
