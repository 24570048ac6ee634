// Decides which moments of a trace tell the article's chain: apply → Deployment → ReplicaSet → Pods → bound → started →
// ready → endpoints → rules. Never invents a moment that no span shows.
import type { Span } from '../../../lib/bus/messages.ts';
import { endOf } from './text.ts';
import { flatten, type TraceForest, type TraceNode } from './tree.ts';

export interface ChainStep {
  title: string;
  /** Milliseconds since the request arrived. */
  atMs: number;
  /** Instances that did it. */
  who: string[];
  what: string;
}

export interface ChainTarget {
  namespace: string;
  deployment: string;
  /** Service whose endpoints and rules belong to the story. */
  service: string;
}

/** Steps in the article's order; those that have not happened are left out. */
export function articleChain(forest: TraceForest, root: TraceNode, target: ChainTarget): ChainStep[] {
  const origin = root.span.startedAt;
  // The Service is applied by a request of its own: its endpoints hang below pods, the rules below the endpoints.
  const all = [...forest.byId.values()].filter(({ span }) => endOf(span) >= origin);
  const own = flatten(root);
  const step = (
    title: string,
    nodes: readonly TraceNode[],
    what: (nodes: readonly TraceNode[]) => string,
  ): ChainStep[] =>
    nodes.length === 0
      ? []
      : [
          {
            title,
            atMs: Math.max(...nodes.map(({ span }) => endOf(span))) - origin,
            who: [...new Set(nodes.map(({ span }) => span.instance))].sort(),
            what: what(nodes),
          },
        ];
  const pods = new Set(own.flatMap(({ wrote }) => wrote.filter(isWrite('create', 'Pod')).map(({ name }) => name)));
  const ofPods = ({ span }: TraceNode): boolean => span.kind === 'Pod' && pods.has(span.name);
  const writing = (verb: string, kind: string) => own.filter((node) => node.wrote.some(isWrite(verb, kind)));
  const sets = writing('create', 'ReplicaSet');
  const makers = writing('create', 'Pod');
  const bound = all.filter(
    (node) => ofPods(node) && node.span.actor === 'scheduler' && node.span.outcome === 'changed',
  );
  const kubelet = all.filter((node) => ofPods(node) && node.span.actor === 'kubelet');
  const started = kubelet.filter(({ span }) => says(span, /\bstart(ed)? container\b/i));
  const ready = kubelet.filter(({ span }) => says(span, /\bready\b/i) && !says(span, /\bnot ready\b/i));
  const endpoints = all.filter(
    (node) =>
      node.span.actor === 'controller-manager' &&
      node.wrote.some((write) => write.kind === 'EndpointSlice' && write.name.startsWith(target.service)),
  );
  const rules = all.filter(
    ({ span }) => span.actor === 'kube-proxy' && span.outcome === 'changed' && span.saw.includes(target.service),
  );
  return [
    {
      title: 'apply',
      atMs: endOf(root.span) - origin,
      who: [root.span.instance],
      what: `Deployment ${target.deployment} is stored`,
    },
    ...step('ReplicaSet', sets, (nodes) => `created ${namesOf(nodes, 'ReplicaSet')}`),
    ...step('Pods', makers, () => `created ${pods.size} pods`),
    ...step('bound', bound, (nodes) => `${nodes.length} pods to nodes`),
    ...step('started', started, (nodes) => `containers of ${new Set(nodes.map(({ span }) => span.name)).size} pods`),
    ...step('ready', lastOfEach(ready), (nodes) => `${nodes.length} pods`),
    ...step('endpoints', endpoints.slice(-1), (nodes) => namesOf(nodes, 'EndpointSlice')),
    ...step('rules', lastOfEach(rules), (nodes) => `on ${nodes.length} nodes`),
  ];
}

function isWrite(verb: string, kind: string): (write: { verb: string; kind: string }) => boolean {
  return (write) => write.verb === verb && write.kind === kind;
}

function says(span: Span, pattern: RegExp): boolean {
  return [span.saw, ...span.did].some((text) => pattern.test(text));
}

function lastOfEach(nodes: readonly TraceNode[]): TraceNode[] {
  return [...new Map(nodes.map((node) => [`${node.span.instance} ${node.span.name}`, node])).values()];
}

function namesOf(nodes: readonly TraceNode[], kind: string): string {
  return [
    ...new Set(nodes.flatMap(({ wrote }) => wrote.filter((write) => write.kind === kind).map(({ name }) => name))),
  ].join(', ');
}
