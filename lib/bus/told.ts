// Decides how the two messages that every write causes become bytes: its span, and the event of its change. Never decides what they
// say, nor what is read.
import { Encoded } from './codec.ts';
import type { Cause, RequestTrace, ResourceEvent, Span, SpanWrite, WokenBy } from './messages.ts';
import { bytes, fields, list, MessageWriter, number, table, text } from './message-writer.ts';

const CAUSE = { span: text, actor: text, revisions: list(number) };
const ADMISSION = fields<NonNullable<RequestTrace['admission']>>({
  passed: list(text),
  changed: list(text),
  refused: text,
});

const SPAN = fields<Span>({
  version: number,
  id: text,
  startedAt: number,
  durationMs: number,
  actor: text,
  instance: text,
  verb: text,
  kind: text,
  namespace: text,
  name: text,
  causes: fields<Span['causes']>({
    revisions: list(number),
    span: text,
    by: list(fields<WokenBy>({ ...CAUSE, revision: number, kind: text, namespace: text, name: text })),
  }),
  queuedMs: number,
  outcome: text,
  saw: text,
  did: list(text),
  why: text,
  wrote: list(fields<SpanWrite>({ verb: text, kind: text, namespace: text, name: text, revision: number })),
  retries: number,
  conflicts: number,
  request: fields<RequestTrace>({
    user: text,
    verb: text,
    resource: text,
    revisionBefore: number,
    revisionAfter: number,
    admission: ADMISSION,
    stagesMs: table(number),
  }),
});

const EVENT = fields<ResourceEvent>({
  version: number,
  group: text,
  resource: text,
  type: text,
  namespace: text,
  name: text,
  revision: number,
  previous: number,
  json: bytes,
  cause: fields<Cause>(CAUSE),
  apiserver: text,
});

/** Spans are kept for a while, events are not: what is kept would keep the others. */
const spans = new MessageWriter();
const events = new MessageWriter();

export function encodeSpan(span: Span): Encoded {
  SPAN(spans, span);
  return new Encoded(span, spans.finish());
}

export function encodeEvent(event: ResourceEvent): Encoded {
  EVENT(events, event);
  return new Encoded(event, events.finish());
}
