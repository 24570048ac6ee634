// Shows that a story is one trace with the same ids whoever exports it, and when a live span may go out.
import { createHash } from 'node:crypto';
import test from 'ava';
import type { Span } from '../../../lib/bus/messages.ts';
import { ExportBuffer } from './export-buffer.ts';
import { otlpRequest, type OtlpSpan } from './otlp.ts';
import { recorded } from './testdata/recorded.ts';
import { buildForest } from './tree.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const spans = recorded('deployment-web');

function exported(some: readonly Span[]): OtlpSpan[] {
  const forest = buildForest(some);
  const { resourceSpans } = otlpRequest('c', forest, [...forest.byId.values()], digest);
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
}

const value = (span: OtlpSpan, key: string): unknown =>
  Object.values(span.attributes.find((each) => each.key === key)?.value ?? {})[0];

test('one story is one trace: each span once, one root, every parent there', (t) => {
  const out = exported(spans);
  // The Service was applied by a request of its own, which is not among these: it is known by what it caused.
  t.is(out.length, spans.length + 1);
  const ids = new Set(out.map(({ spanId }) => spanId));
  t.is(ids.size, out.length);
  const traces = new Set(out.map(({ traceId }) => traceId));
  const roots = out.filter(({ parentSpanId }) => parentSpanId === undefined);
  t.is(traces.size, 2);
  t.deepEqual(new Set(roots.map(({ traceId }) => traceId)), traces);
  t.is(roots.length, 2);
  t.true(out.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId)));
  t.true(out.every(({ traceId, spanId }) => /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId)));
});

test('further causes are links to spans that are there', (t) => {
  const out = exported(spans);
  const ids = new Set(out.map(({ spanId }) => spanId));
  const links = out.flatMap((span) => span.links);
  t.true(links.length > 0);
  t.true(links.every(({ spanId }) => ids.has(spanId)));
});

test('ids do not depend on the order in which spans were heard', (t) => {
  const byId = (some: OtlpSpan[]): OtlpSpan[] => some.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));
  t.deepEqual(byId(exported(spans.toReversed())), byId(exported(spans)));
});

test('times are exact nanoseconds, a refusal is an error with its reason', (t) => {
  const [first] = spans;
  const root = exported([{ ...first!, startedAt: 1_795_347_090_983, durationMs: 8.25 }])[0]!;
  t.is(root.startTimeUnixNano, '1795347090983000000');
  t.is(root.endTimeUnixNano, '1795347090991250000');
  const refused = exported([{ ...first!, outcome: 'refused', why: 'quota' }])[0]!;
  t.deepEqual(refused.status, { code: 2, message: 'quota' });
  t.is(value(refused, 'flotilla.span'), first!.id);
});

test('a live span waits for its cause, but not for ever, and goes out once', (t) => {
  const buffer = new ExportBuffer();
  const [request] = spans;
  const rest = spans.filter((span) => span !== request);
  for (const span of rest) buffer.add(span, 0);
  const early = buffer.due(2000);
  t.true(early.nodes.every(({ causes }) => causes.every(({ isLost }) => !isLost)));
  t.true(early.nodes.length < rest.length);
  buffer.add(request!, 2000);
  const late = buffer.due(4000);
  buffer.sent(late.nodes);
  t.is(buffer.due(5000).nodes.length, 0);
  const lone = new ExportBuffer();
  for (const span of rest) lone.add(span, 0);
  t.true(lone.due(15_000).nodes.length > early.nodes.length);
});

test('what the collector did not take goes out again', (t) => {
  const buffer = new ExportBuffer();
  for (const span of spans) buffer.add(span, 0);
  const { nodes } = buffer.due(2000);
  t.deepEqual(
    buffer.due(3000).nodes.map(({ span }) => span.id),
    nodes.map(({ span }) => span.id),
  );
});
