// Decides which steps of a tree its readiness waited for: from the last pod that became ready back to the request. Never
// guesses: a step that is not in the tree leaves its time to the one before it.
import { flatten, type TraceNode } from './tree.ts';

export interface PathStep {
  node: TraceNode;
  /** Milliseconds since the request: when its cause was stored (0 for the request itself) … */
  fromMs: number;
  /** … when it began to work … */
  startMs: number;
  /** … and when it had stored what woke the next step, or what made the last one ready. */
  toMs: number;
}

export interface CriticalPath {
  steps: PathStep[];
  /** What the end is: `ready`: the last pod; `done`: nothing of it becomes ready, the last change counts. */
  end: 'ready' | 'done';
  /** Pods that became ready or succeeded, and pods that were created or bound and are not. */
  ready: string[];
  waiting: string[];
  totalMs: number;
}

export function criticalPath(root: TraceNode): CriticalPath {
  const nodes = flatten(root);
  const readyNodes = firstReady(nodes);
  const pods = new Set(nodes.flatMap(({ wrote }) => wrote.filter(createsPod).map(({ name }) => name)));
  const ready = [...readyNodes.keys()].sort();
  const gone = new Set(nodes.flatMap(({ wrote }) => wrote.filter(deletesPod).map(({ name }) => name)));
  const waiting = [...pods].filter((name) => !readyNodes.has(name) && !gone.has(name)).sort();
  const changing = nodes.filter((node) => node === root || node.span.outcome === 'changed');
  const last = latest(readyNodes.size > 0 ? [...readyNodes.values()] : changing);
  const steps = stepsTo(root, last);
  return { steps, end: readyNodes.size > 0 ? 'ready' : 'done', ready, waiting, totalMs: steps.at(-1)!.toMs };
}

function createsPod(write: { verb: string; kind: string }): boolean {
  return write.kind === 'Pod' && (write.verb === 'create' || write.verb === 'bind');
}

function deletesPod(write: { verb: string; kind: string }): boolean {
  return write.kind === 'Pod' && write.verb === 'delete';
}

/** Of each pod the first time only: what becomes of it later is another story. */
function firstReady(nodes: readonly TraceNode[]): Map<string, TraceNode> {
  const found = new Map<string, TraceNode>();
  for (const node of nodes) {
    const { span } = node;
    if (span.kind !== 'Pod' || span.actor !== 'kubelet' || !span.did.some(saysReady)) continue;
    const known = found.get(span.name);
    if (known === undefined || endMsOf(node) < endMsOf(known)) found.set(span.name, node);
  }
  return found;
}

/** The kubelet's words (services/kubelet/edge/pod-words.ts). */
function saysReady(line: string): boolean {
  return line === 'ready' || line === 'phase is Succeeded';
}

function latest(nodes: readonly TraceNode[]): TraceNode {
  return nodes.reduce((last, node) => (endMsOf(node) > endMsOf(last) ? node : last));
}

/** When its last write was stored; the work after that held nobody up. An API actor tells of it a little later. */
function endMsOf({ span, wrote }: TraceNode): number {
  return Math.min(span.startedAt + span.durationMs, ...wrote.slice(-1).map(({ at }) => at));
}

function stepsTo(root: TraceNode, last: TraceNode): PathStep[] {
  const way = wayTo(root, last) ?? [root];
  const origin = root.span.startedAt;
  const steps: PathStep[] = [];
  for (const [i, node] of way.entries()) {
    const next = way[i + 1];
    const fromMs = steps.at(-1)?.toMs ?? 0;
    const toMs = Math.max(fromMs, (next === undefined ? endMsOf(node) : handedOverAt(node, next)) - origin);
    const startMs = Math.min(Math.max(node.span.startedAt - origin, fromMs), toMs);
    steps.push({ node, fromMs, startMs, toMs });
  }
  return steps;
}

/** When this step stored the newest revision that woke the next, which may have begun before this one ended. */
function handedOverAt(node: TraceNode, next: TraceNode): number {
  const woke = node.wrote.filter(({ revision }) => next.span.causes.revisions.includes(revision));
  const at = woke.length === 0 ? endMsOf(node) : Math.max(...woke.map((write) => write.at));
  // The API actor tells a write after it has published it: who heard of it may have begun before.
  return Math.min(at, Math.max(next.span.startedAt, node.span.startedAt));
}

function wayTo(from: TraceNode, to: TraceNode): TraceNode[] | undefined {
  if (from === to) return [from];
  for (const child of from.children) {
    const way = wayTo(child, to);
    if (way !== undefined) return [from, ...way];
  }
  return undefined;
}
