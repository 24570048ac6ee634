// Decides how a span is born, numbered, kept and published: the recent past stays in a bounded ring. Never decides what
// is worth a span.
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Bus } from '../bus/bus.ts';
import { MESSAGE_VERSION, type Cause, type Span, type SpanWrite, type TraceQuery } from '../bus/messages.ts';
import { subjectOf, type ActorName } from '../bus/subjects.ts';

export interface SpanStart {
  verb: string;
  kind: string;
  namespace?: string;
  name: string;
  revisions?: readonly number[];
  /** The span of the request that this work serves. */
  parent?: string | undefined;
  queuedMs?: number;
}

export interface SpanEnd {
  outcome: Span['outcome'];
  saw?: string;
  did?: string[];
  why?: string | undefined;
  wrote?: SpanWrite[];
}

/** A span that is still open: its `cause` goes with every write that it makes. */
export interface OpenSpan {
  readonly id: string;
  readonly cause: Cause;
  end(end: SpanEnd): Span;
}

export interface Tracer {
  start(start: SpanStart): OpenSpan;
  recent(query: TraceQuery): Span[];
}

export interface TracerContext {
  cluster: string;
  actor: ActorName;
  instance: string;
  /** Distinguishes the lives of one instance. */
  boot: string;
  clock: Clock;
  bus: Bus;
}

export function createTracer(ctx: TracerContext): Tracer {
  const ring: Span[] = [];
  let next = 0;
  let counter = 0;
  const keep = (span: Span): void => {
    ring[next] = span;
    next = (next + 1) % LIMITS.traceRingSpans;
    ctx.bus.publish(
      subjectOf(ctx.cluster, 'trace', {
        actor: ctx.actor,
        kind: span.kind,
        namespace: span.namespace,
        name: span.name,
      }),
      span,
    );
  };
  return {
    start(start) {
      const id = `${ctx.instance}/${ctx.boot}/${++counter}`;
      const revisions = [...(start.revisions ?? [])];
      const startedAt = ctx.clock.now();
      const began = ctx.clock.monotonic();
      return {
        id,
        cause: { span: id, actor: ctx.instance, revisions },
        end(end) {
          const span: Span = {
            version: MESSAGE_VERSION,
            id,
            actor: ctx.actor,
            instance: ctx.instance,
            verb: start.verb,
            kind: start.kind,
            namespace: start.namespace ?? '',
            name: start.name,
            causes: { revisions, ...(start.parent === undefined ? {} : { span: start.parent }) },
            startedAt,
            queuedMs: start.queuedMs ?? 0,
            durationMs: ctx.clock.monotonic() - began,
            outcome: end.outcome,
            saw: end.saw ?? '',
            did: end.did ?? [],
            ...(end.why === undefined ? {} : { why: end.why }),
            wrote: end.wrote ?? [],
          };
          keep(span);
          return span;
        },
      };
    },
    recent(query) {
      const all = [...ring.slice(next), ...ring.slice(0, next)].filter(
        (span) => span.startedAt >= (query.sinceMs ?? 0),
      );
      return all.slice(-(query.limit ?? LIMITS.traceRingSpans));
    },
  };
}
