// Decides how spans read in OpenTelemetry: OTLP/HTTP's JSON, one trace a story, further causes as links. Never sends.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
import type { Span } from '../../../lib/bus/messages.ts';
import type { TraceForest, TraceNode } from './tree.ts';

/** Hexadecimal digest of a text, at least 32 digits. */
export type Digest = (text: string) => string;

type Attribute = { key: string; value: { stringValue: string } | { intValue: string } | { doubleValue: number } };

export interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  links: Array<{ traceId: string; spanId: string }>;
  status: { code: number; message?: string };
}

export interface OtlpRequest {
  resourceSpans: Array<{
    resource: { attributes: Attribute[] };
    scopeSpans: Array<{ scope: { name: string; version: string }; spans: OtlpSpan[] }>;
  }>;
}

/** Of the specification: what is served for another, and what works on its own account. */
const KIND = { internal: 1, server: 2, consumer: 5 } as const;
const STATUS = { unset: 0, error: 2 } as const;

/** The same story has the same trace id whoever exports it, and however often: that of the span it began with. */
export function otlpRequest(
  cluster: string,
  forest: TraceForest,
  nodes: readonly TraceNode[],
  digest: Digest,
): OtlpRequest {
  const ids = new Ids(forest, digest);
  const byInstance = Map.groupBy(
    nodes.flatMap((node) => [
      { span: node.span, otlp: spanOf(node, ids) },
      ...node.served.map((span) => ({ span, otlp: servedSpan(span, node, ids) })),
    ]),
    ({ span }) => span.instance,
  );
  return {
    resourceSpans: [...byInstance].map(([instance, rows]) => ({
      resource: {
        attributes: [
          text('service.namespace', cluster),
          text('service.name', rows[0]!.span.actor),
          text('service.instance.id', instance),
        ],
      },
      scopeSpans: [{ scope: { name: 'flotilla', version: '1' }, spans: rows.map(({ otlp }) => otlp) }],
    })),
  };
}

class Ids {
  readonly #digest: Digest;
  readonly #parents = new Map<TraceNode, TraceNode>();
  readonly #traces = new Map<TraceNode, string>();

  constructor(forest: TraceForest, digest: Digest) {
    this.#digest = digest;
    for (const node of forest.byId.values()) for (const child of node.children) this.#parents.set(child, node);
  }

  parentOf(node: TraceNode): TraceNode | undefined {
    return this.#parents.get(node);
  }

  spanId(span: Span): string {
    return this.#digest(span.id).slice(0, 16);
  }

  traceId(node: TraceNode): string {
    const known = this.#traces.get(node);
    if (known !== undefined) return known;
    let root = node;
    for (let up = this.#parents.get(root); up !== undefined; up = this.#parents.get(root)) root = up;
    const id = this.#digest(root.span.id).slice(0, 32);
    this.#traces.set(node, id);
    return id;
  }
}

function spanOf(node: TraceNode, ids: Ids): OtlpSpan {
  const parent = ids.parentOf(node);
  const others = node.causes.filter((cause) => cause !== parent);
  return {
    ...common(node.span, node.span.verb === 'request' ? KIND.server : KIND.consumer),
    traceId: ids.traceId(node),
    spanId: ids.spanId(node.span),
    ...(parent === undefined ? {} : { parentSpanId: ids.spanId(parent.span) }),
    links: others.map((cause) => ({ traceId: ids.traceId(cause), spanId: ids.spanId(cause.span) })),
  };
}

/** A request is the child of the work that made it. */
function servedSpan(span: Span, by: TraceNode, ids: Ids): OtlpSpan {
  return {
    ...common(span, KIND.server),
    traceId: ids.traceId(by),
    spanId: ids.spanId(span),
    parentSpanId: ids.spanId(by.span),
    links: [],
  };
}

function common(span: Span, kind: number): Omit<OtlpSpan, 'traceId' | 'spanId' | 'links'> {
  const isError = span.outcome === 'failed' || span.outcome === 'refused';
  return {
    name: `${span.verb} ${span.kind}`,
    kind,
    startTimeUnixNano: nanoseconds(span.startedAt),
    endTimeUnixNano: nanoseconds(span.startedAt + span.durationMs),
    attributes: attributesOf(span),
    status: isError ? { code: STATUS.error, message: span.why ?? '' } : { code: STATUS.unset },
  };
}

function attributesOf(span: Span): Attribute[] {
  const texts: Array<[string, string | undefined]> = [
    ['flotilla.span', span.id],
    ['flotilla.outcome', span.outcome],
    ['k8s.object.kind', span.kind],
    ['k8s.namespace.name', span.namespace],
    ['k8s.object.name', span.name],
    ['flotilla.saw', span.saw],
    ['flotilla.did', span.did.join('\n')],
    ['flotilla.why', span.why],
    ['flotilla.revisions.woke', span.causes.revisions.join(',')],
    ['flotilla.revisions.wrote', span.wrote.map(({ revision }) => revision).join(',')],
  ];
  const counts: Array<[string, number | undefined]> = [
    ['flotilla.retries', span.retries],
    ['flotilla.conflicts', span.conflicts],
  ];
  return [
    ...texts.flatMap(([key, value]) => (value === undefined || value === '' ? [] : [text(key, value)])),
    ...counts.flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: { intValue: String(value) } }])),
    { key: 'flotilla.queued_ms', value: { doubleValue: span.queuedMs } },
  ];
}

function text(key: string, value: string): Attribute {
  return { key, value: { stringValue: value } };
}

/** Beyond what a double holds exactly: in two parts. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000)));
}
