// Shows that a span stays small whatever its actor says, and that a tracer that may not tell still names causes.
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { encode } from '../bus/codec.ts';
import { MemoryNetwork } from '../bus/memory.ts';
import type { Span } from '../bus/messages.ts';
import { systemClock } from './system.ts';
import { createTracer, type Tracer } from './tracer.ts';

function stage(more: { tells?: boolean } = {}): { tracer: Tracer; heard: Span[] } {
  const network = new MemoryNetwork();
  const heard: Span[] = [];
  network.connect('observer').subscribe('c.trace.>', ({ data }) => void heard.push(data as Span));
  const bus = network.connect('scheduler-1');
  const who = { cluster: 'c', actor: 'scheduler' as const, instance: 'scheduler-1', boot: 'b' };
  return { tracer: createTracer({ ...who, clock: systemClock, bus, ...more }), heard };
}

test('a span is published and remembered, with the id that its writes named as their cause', async (t) => {
  const { tracer, heard } = stage();
  const by = [{ revision: 3, kind: 'Pod', namespace: 'default', name: 'a', span: 'x/y/1', actor: 'x' }];
  const open = tracer.start({
    verb: 'schedule',
    kind: 'Pod',
    namespace: 'default',
    name: 'a',
    revisions: [3],
    by,
    retries: 2,
  });
  t.deepEqual(open.cause, { span: 'scheduler-1/b/1', actor: 'scheduler-1', revisions: [3] });
  open.end({ outcome: 'changed', did: ['bind'], conflicts: 1 });
  await turn();
  t.deepEqual(heard, tracer.recent({}));
  const { id, causes, retries, conflicts } = heard[0]!;
  t.deepEqual(
    { id, causes, retries, conflicts },
    { id: open.id, causes: { revisions: [3], by }, retries: 2, conflicts: 1 },
  );
});

test('however much an actor says, one span is small enough for the bus', (t) => {
  const { tracer } = stage();
  const name = 'n'.repeat(253);
  const write = { verb: 'create', kind: 'Pod', namespace: name, name, revision: 1 };
  tracer.start({ verb: 'reconcile', kind: 'ReplicaSet', name: 'x' }).end({
    outcome: 'changed',
    saw: 'x'.repeat(1_000_000),
    did: Array.from({ length: 5000 }, () => 'y'.repeat(10_000)),
    why: 'z'.repeat(1_000_000),
    wrote: Array.from({ length: 5000 }, () => write),
  });
  const [span] = tracer.recent({});
  t.true(encode(span).length < 1_048_576);
  t.is(span!.did.at(-1), 'and 4960 more');
});

test('a tracer that may not tell numbers its spans, and neither keeps nor publishes them', async (t) => {
  const { tracer, heard } = stage({ tells: false });
  const open = tracer.start({ verb: 'schedule', kind: 'Pod', name: 'a' });
  t.is(open.cause.span, 'scheduler-1/b/1');
  open.end({ outcome: 'unchanged' });
  await turn();
  t.deepEqual([...heard, ...tracer.recent({})], []);
});

test('reads are told for as long as somebody wishes it, and never where nothing may be told', (t) => {
  let now = 1_000;
  const clock = { ...systemClock, monotonic: () => now };
  const network = new MemoryNetwork();
  const who = {
    cluster: 'c',
    actor: 'apiserver' as const,
    instance: 'apiserver-1',
    boot: 'b',
    clock,
    bus: network.connect('apiserver-1'),
  };
  const tracer = createTracer(who);
  t.false(tracer.tellsReads);
  tracer.recent({ limit: 1, readsForMs: 1_000 });
  t.true(tracer.tellsReads);
  now += 1_001;
  t.false(tracer.tellsReads);
  tracer.recent({ readsForMs: 1e12 });
  now += 60_001;
  t.false(tracer.tellsReads, 'a wish that is not said again is forgotten');
  const mute = createTracer({ ...who, tells: false });
  mute.recent({ readsForMs: 1_000 });
  t.false(mute.tellsReads);
});
