// Decides how a span is born, numbered, bounded, kept and published: the recent past stays in a ring. Never decides what
// is worth a span.
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Bus } from '../bus/bus.ts';
import { Encoded } from '../bus/codec.ts';
import {
  MESSAGE_VERSION,
  type Cause,
  type RequestTrace,
  type Span,
  type SpanWrite,
  type TraceQuery,
  type WokenBy,
} from '../bus/messages.ts';
import { subjectOf, type ActorName } from '../bus/subjects.ts';
import { SpanRing } from './span-ring.ts';

export interface SpanStart {
  verb: string;
  kind: string;
  namespace?: string;
  name: string;
  revisions?: readonly number[];
  /** Who wrote the revisions, where the events told. */
  by?: readonly WokenBy[];
  /** The span of the request that this work serves. */
  parent?: string | undefined;
  queuedMs?: number;
  retries?: number;
}

export interface SpanEnd {
  outcome: Span['outcome'];
  saw?: string;
  did?: string[];
  why?: string | undefined;
  wrote?: SpanWrite[];
  conflicts?: number;
  request?: RequestTrace;
}

/** A span that is still open: its `cause` goes with every write that it makes. */
export interface OpenSpan {
  readonly id: string;
  readonly cause: Cause;
  end(end: SpanEnd): void;
}

export interface Tracer {
  start(start: SpanStart): OpenSpan;
  recent(query: TraceQuery): Span[];
  /** Somebody wishes to hear of what only looks; absent: nobody ever does. Asked for every request: it costs nothing. */
  readonly tellsReads?: boolean;
}

export interface TracerContext {
  cluster: string;
  actor: ActorName;
  instance: string;
  /** Distinguishes the lives of one instance. */
  boot: string;
  clock: Clock;
  bus: Bus;
  /** false: spans are numbered, because every write names its cause, but neither kept nor published. */
  tells?: boolean;
}

const MAX_LINES = 40;
/** Who wishes to hear of reads says so again within this. */
const MOST_READS_MS = 60_000;
const MAX_TEXT = 2_000;
/** One action writes at most so many objects at a time; more are found by what they cause. */
const MAX_WRITES = 1_000;
const MAX_WOKEN_BY = 5;

export function createTracer(ctx: TracerContext): Tracer {
  const prefix = `${ctx.instance}/${ctx.boot}/`;
  const ring = new SpanRing(prefix, {
    spans: LIMITS.traceRingSpans,
    bytes: LIMITS.traceRingBytes,
    pageBytes: LIMITS.tracePageBytes,
  });
  let counter = 0;
  /** 0: nobody wishes to hear of reads. */
  let readsUntil = 0;
  const tell = (sequence: number, span: Span): void => {
    const { kind, namespace, name } = span;
    const encoded = new Encoded(span);
    ring.push(sequence, span.startedAt, encoded.bytes);
    ctx.bus.publish(subjectOf(ctx.cluster, 'trace', { actor: ctx.actor, kind, namespace, name }), encoded);
  };
  return {
    start(start) {
      const sequence = ++counter;
      const id = `${prefix}${sequence}`;
      const revisions = [...(start.revisions ?? [])];
      const cause = { span: id, actor: ctx.instance, revisions };
      if (ctx.tells === false) return { id, cause, end() {} };
      const startedAt = ctx.clock.now();
      const began = ctx.clock.monotonic();
      return {
        id,
        cause,
        end(end) {
          const durationMs = ctx.clock.monotonic() - began;
          tell(sequence, spanOf(ctx, start, end, { id, revisions, startedAt, durationMs }));
        },
      };
    },
    recent(query) {
      if (typeof query.readsForMs === 'number' && ctx.tells !== false)
        readsUntil = ctx.clock.monotonic() + Math.min(query.readsForMs, MOST_READS_MS);
      return ring.page(query);
    },
    get tellsReads() {
      if (readsUntil === 0) return false;
      if (ctx.clock.monotonic() < readsUntil) return true;
      readsUntil = 0;
      return false;
    },
  };
}

interface Measured {
  id: string;
  revisions: number[];
  startedAt: number;
  durationMs: number;
}

function spanOf(ctx: TracerContext, start: SpanStart, end: SpanEnd, measured: Measured): Span {
  const { id, revisions, startedAt, durationMs } = measured;
  const span: Span = {
    version: MESSAGE_VERSION,
    id,
    startedAt,
    durationMs,
    actor: ctx.actor,
    instance: ctx.instance,
    verb: start.verb,
    kind: start.kind,
    namespace: start.namespace ?? '',
    name: start.name,
    causes: { revisions },
    queuedMs: start.queuedMs ?? 0,
    outcome: end.outcome,
    saw: shortened(end.saw ?? ''),
    did: firstOf(end.did ?? []),
    wrote: (end.wrote ?? []).slice(0, MAX_WRITES),
  };
  // One for every write: what is not there is left out without an object for each.
  if (start.parent !== undefined) span.causes.span = start.parent;
  if (start.by !== undefined && start.by.length > 0) span.causes.by = start.by.slice(-MAX_WOKEN_BY);
  if (end.why !== undefined) span.why = shortened(end.why);
  if (start.retries !== undefined && start.retries > 0) span.retries = start.retries;
  if (end.conflicts !== undefined && end.conflicts > 0) span.conflicts = end.conflicts;
  if (end.request !== undefined) span.request = end.request;
  return span;
}

function firstOf(lines: readonly string[]): string[] {
  const more = lines.length - MAX_LINES;
  const shown = lines.slice(0, MAX_LINES).map(shortened);
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
