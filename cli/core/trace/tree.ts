// Decides how spans of many actors hang together as one tree: a span is the effect of whoever wrote the newest revision
// that woke it, or of the span whose request it served. Never waits for spans that are not there.
import type { Span, SpanWrite } from '../../../lib/bus/messages.ts';

/** A write and when it was stored: milliseconds since 1970. */
export interface TracedWrite extends SpanWrite {
  at: number;
}

export interface TraceNode {
  span: Span;
  /** What it wrote, with what the API actor says it wrote for it. */
  wrote: TracedWrite[];
  children: TraceNode[];
}

export interface TraceForest {
  /** Nodes without a known cause, oldest first. */
  roots: TraceNode[];
  byId: ReadonlyMap<string, TraceNode>;
}

/** Every span once; an API actor's request on behalf of another span is folded into that span. */
export function buildForest(spans: readonly Span[]): TraceForest {
  const unique = new Map(spans.map((span) => [span.id, span]));
  const byId = new Map<string, TraceNode>();
  const served = new Map<string, Span[]>();
  for (const span of unique.values()) {
    const parent = span.causes.span;
    if (span.verb === 'request' && parent !== undefined && unique.has(parent))
      served.set(parent, [...(served.get(parent) ?? []), span]);
    else byId.set(span.id, { span, wrote: writesOf(span), children: [] });
  }
  for (const [parent, requests] of served) addWrites(byId, parent, requests);
  const roots = linkAll(byId);
  return { roots: roots.sort(byStart), byId };
}

/** The API actor knows best when a write was stored, and of some (bindings) alone. */
function addWrites(byId: ReadonlyMap<string, TraceNode>, parent: string, requests: readonly Span[]): void {
  const node = byId.get(parent);
  if (node === undefined) return;
  const told = new Map(requests.flatMap(writesOf).map((write) => [write.revision, write]));
  const others = node.wrote.filter(({ revision }) => !told.has(revision));
  node.wrote = [...others, ...told.values()].sort((a, b) => a.revision - b.revision);
}

function writesOf(span: Span): TracedWrite[] {
  return span.wrote.map((write) => ({ ...write, at: span.startedAt + span.durationMs }));
}

function linkAll(byId: ReadonlyMap<string, TraceNode>): TraceNode[] {
  const writers = new Map<number, TraceNode>();
  for (const node of byId.values()) for (const { revision } of node.wrote) writers.set(revision, node);
  const roots: TraceNode[] = [];
  const parents = new Map<TraceNode, TraceNode>();
  for (const node of [...byId.values()].sort(byStart)) {
    const parent = causeOf(node, writers, byId);
    if (parent === undefined || isAbove(node, parent, parents)) roots.push(node);
    else {
      parents.set(node, parent);
      parent.children.push(node);
    }
  }
  return roots;
}

/** The newest cause: the one without which it would not have run when it did. */
function causeOf(
  node: TraceNode,
  writers: ReadonlyMap<number, TraceNode>,
  byId: ReadonlyMap<string, TraceNode>,
): TraceNode | undefined {
  const served = node.span.causes.span === undefined ? undefined : byId.get(node.span.causes.span);
  if (served !== undefined) return served;
  for (const revision of node.span.causes.revisions.toSorted((a, b) => b - a)) {
    const writer = writers.get(revision);
    if (writer !== undefined && writer !== node) return writer;
  }
  return undefined;
}

/** Clocks of actors may differ; a tree may not turn into a ring. */
function isAbove(node: TraceNode, other: TraceNode, parents: ReadonlyMap<TraceNode, TraceNode>): boolean {
  for (let up: TraceNode | undefined = other; up !== undefined; up = parents.get(up)) if (up === node) return true;
  return false;
}

function byStart(a: TraceNode, b: TraceNode): number {
  return a.span.startedAt - b.span.startedAt || (a.span.id < b.span.id ? -1 : 1);
}

export function flatten(node: TraceNode): TraceNode[] {
  return [node, ...node.children.flatMap(flatten)];
}

/** The newest request of a person that changed this object. */
export function rootOf(forest: TraceForest, kind: string, namespace: string, name: string): TraceNode | undefined {
  return forest.roots.findLast(
    ({ span, wrote }) =>
      span.verb === 'request' &&
      wrote.some((write) => write.kind === kind && write.namespace === namespace && write.name === name),
  );
}

/** Without what changed nothing and led to nothing. */
export function pruned(node: TraceNode): TraceNode {
  const children = node.children.map(pruned).filter((child) => matters(child));
  return { ...node, children };
}

function matters(node: TraceNode): boolean {
  return (
    node.children.length > 0 ||
    node.span.outcome === 'changed' ||
    node.span.outcome === 'failed' ||
    node.span.outcome === 'refused'
  );
}
