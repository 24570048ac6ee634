// Decides how spans of many actors hang together: a span is the effect of whoever wrote the revisions that woke it, or
// of the span whose request it served; one that nobody heard of is known by what it caused. Never waits for spans.
import type { Span, SpanWrite } from '../../../lib/bus/messages.ts';

/** A write and when it was stored: milliseconds since 1970. */
export interface TracedWrite extends SpanWrite {
  at: number;
}

export interface TraceNode {
  span: Span;
  /** What it wrote, with what the API actor says it wrote for it. */
  wrote: TracedWrite[];
  /** What API actors tell of the requests that it made. */
  served: Span[];
  /** Nobody heard the span: its actor died first, or it is forgotten. What is known is told by what it caused. */
  isLost: boolean;
  /** Whatever woke it, the decisive cause first. */
  causes: TraceNode[];
  /** Those for which this is the decisive cause. */
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
    if (span.verb === 'request' && parent !== undefined && unique.has(parent) && parent !== span.id)
      served.set(parent, [...(served.get(parent) ?? []), span]);
    else byId.set(span.id, nodeOf(span));
  }
  for (const [parent, requests] of served) addWrites(byId, parent, requests);
  addUnheard(byId, unique.values());
  return { roots: linkAll(byId).sort(byStart), byId };
}

function nodeOf(span: Span, isLost = false): TraceNode {
  return { span, wrote: writesOf(span), served: [], isLost, causes: [], children: [] };
}

/** The API actor knows best when a write was stored, and of some (bindings) alone. */
function addWrites(byId: ReadonlyMap<string, TraceNode>, parent: string, requests: readonly Span[]): void {
  const node = byId.get(parent);
  if (node === undefined) return;
  const told = new Map(requests.flatMap(writesOf).map((write) => [write.revision, write]));
  const others = node.wrote.filter(({ revision }) => !told.has(revision));
  node.served = requests.toSorted((a, b) => a.startedAt - b.startedAt);
  node.wrote = [...others, ...told.values()].sort((a, b) => a.revision - b.revision);
}

/** A write whose doer never heard the answer, and a doer that died before it told: the events named both. */
function addUnheard(byId: Map<string, TraceNode>, spans: Iterable<Span>): void {
  const written = new Set([...byId.values()].flatMap(({ wrote }) => wrote.map(({ revision }) => revision)));
  for (const woken of spans)
    for (const by of woken.causes.by ?? []) {
      if (written.has(by.revision)) continue;
      written.add(by.revision);
      const at = woken.startedAt - woken.queuedMs;
      const { revision, kind, namespace, name } = by;
      const write = { verb: 'write', kind, namespace, name, revision, at };
      const writer = byId.get(by.span);
      if (writer !== undefined) writer.wrote = [...writer.wrote, write].sort((a, b) => a.revision - b.revision);
      else byId.set(by.span, { ...nodeOf(lostSpan(by, at), true), wrote: [write] });
    }
}

function lostSpan(by: NonNullable<Span['causes']['by']>[number], at: number): Span {
  const actor = by.span.split('/')[0]!.replace(/-(\d+|node-.*)$/, '');
  return {
    version: 1,
    id: by.span,
    actor,
    instance: by.actor,
    verb: actor === 'apiserver' ? 'request' : 'write',
    kind: by.kind,
    namespace: by.namespace,
    name: by.name,
    causes: { revisions: by.revisions ?? [] },
    startedAt: at,
    queuedMs: 0,
    durationMs: 0,
    outcome: 'changed',
    saw: '',
    did: [],
    why: 'its own account was not heard: the actor ended first, or has forgotten it',
    wrote: [],
  };
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
    node.causes = causesOf(node, writers, byId);
    const parent = node.causes.find((cause) => !isAbove(node, cause, parents));
    if (parent === undefined) roots.push(node);
    else {
      parents.set(node, parent);
      parent.children.push(node);
    }
  }
  return roots;
}

/** The newest cause first: without it, it would not have run when it did. */
function causesOf(
  node: TraceNode,
  writers: ReadonlyMap<number, TraceNode>,
  byId: ReadonlyMap<string, TraceNode>,
): TraceNode[] {
  const { span: servedId, revisions } = node.span.causes;
  const served = servedId === undefined ? undefined : byId.get(servedId);
  const newestFirst = revisions.toSorted((a, b) => b - a).map((revision) => writers.get(revision));
  const causes = [served, ...newestFirst].filter((cause) => cause !== undefined && cause !== node) as TraceNode[];
  return [...new Set(causes)];
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

/**
 * All that this span led to. A step that several causes led to (rules that were put into force for two Services at
 * once) hangs below its decisive cause, or, where that is another story, below the newest of this one.
 */
export function treeOf(forest: TraceForest, root: TraceNode): TraceNode {
  const reached = effectsOf(forest, root);
  const copies = new Map<TraceNode, TraceNode>([...reached].map((node) => [node, { ...node, children: [] }]));
  const parents = new Map<TraceNode, TraceNode>();
  for (const node of [...reached].sort(byStart)) {
    if (node === root) continue;
    const parent = node.causes.find((cause) => reached.has(cause) && !isAbove(node, cause, parents)) ?? root;
    parents.set(node, parent);
    copies.get(parent)!.children.push(copies.get(node)!);
  }
  return copies.get(root)!;
}

function effectsOf(forest: TraceForest, root: TraceNode): Set<TraceNode> {
  const effects = new Map<TraceNode, TraceNode[]>();
  for (const node of forest.byId.values())
    for (const cause of node.causes) effects.set(cause, [...(effects.get(cause) ?? []), node]);
  const reached = new Set([root]);
  for (const node of reached) for (const effect of effects.get(node) ?? []) reached.add(effect);
  return reached;
}

/** The newest request of a person that changed this object. */
export function rootOf(forest: TraceForest, kind: string, namespace: string, name: string): TraceNode | undefined {
  return forest.roots.findLast(
    ({ span, wrote }) =>
      span.verb === 'request' &&
      wrote.some((write) => write.kind === kind && write.namespace === namespace && write.name === name),
  );
}

/** The beginning of the story in which this object was last changed: a person's request, or whoever's write it was. */
export function storyOf(
  forest: TraceForest,
  kind: string,
  namespace: string,
  name: string,
): { root: TraceNode; isOwn: boolean } | undefined {
  const own = rootOf(forest, kind, namespace, name);
  if (own !== undefined) return { root: own, isOwn: true };
  const isIt = (write: SpanWrite): boolean =>
    write.kind === kind && write.namespace === namespace && write.name === name;
  const writes = [...forest.byId.values()].flatMap((node) => node.wrote.filter(isIt).map((write) => ({ node, write })));
  const first = writes.toSorted((a, b) => a.write.revision - b.write.revision)[0];
  if (first === undefined) return undefined;
  const root = forest.roots.find((each) => flatten(each).includes(first.node));
  return root === undefined ? undefined : { root, isOwn: false };
}

/** Without what changed nothing and led to nothing. */
export function pruned(node: TraceNode): TraceNode {
  const children = node.children.map(pruned).filter((child) => matters(child));
  return { ...node, children };
}

function matters(node: TraceNode): boolean {
  return node.children.length > 0 || node.span.outcome !== 'unchanged';
}
