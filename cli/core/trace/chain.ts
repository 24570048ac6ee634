// Decides which moments of a trace tell the article's chain: apply → Deployment → ReplicaSet → Pods → bound → started →
// ready → endpoints → rules. Never invents a moment that no span shows.
import type { Span } from '../../../lib/bus/messages.ts';
import { endOf } from './text.ts';
import { flatten, type TracedWrite, type TraceForest, type TraceNode } from './tree.ts';

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
  const pods = new Set(own.flatMap(writes('create', 'Pod')).map(({ name }) => name));
  const ofPods = ({ span }: TraceNode): boolean => span.kind === 'Pod' && pods.has(span.name);
  const kubelet = all.filter((node) => ofPods(node) && node.span.actor === 'kubelet');
  const scheduler = all.filter((node) => ofPods(node) && node.span.actor === 'scheduler');
  const slices = all
    .filter(({ span }) => span.actor === 'controller-manager')
    .flatMap((node) =>
      node.wrote.filter(isSliceOf(target.service)).map((write) => ({ ...write, who: node.span.instance })),
    );
  const bound = scheduler.flatMap((node) =>
    node.wrote.slice(-1).map((write) => ({ ...write, who: node.span.instance })),
  );
  const started = kubelet.filter(({ span }) => says(span, /\bstart(ed)? container\b/i));
  const ready = lastOfEach(kubelet.filter(({ span }) => says(span, /\bready\b/i) && !says(span, /\bnot ready\b/i)));
  const rules = lastOfEach(
    all.filter(
      ({ span }) => span.actor === 'kube-proxy' && span.outcome === 'changed' && span.saw.includes(target.service),
    ),
  );
  const made = (kind: string): Moment[] =>
    own.flatMap((node) => writes('create', kind)(node).map((write) => ({ ...write, who: node.span.instance })));
  const ended = (nodes: readonly TraceNode[]): Moment[] =>
    nodes.map(({ span }) => ({ name: span.name, at: endOf(span), who: span.instance }));
  const step = (title: string, moments: readonly Moment[], what: string): ChainStep[] =>
    moments.length === 0
      ? []
      : [
          {
            title,
            atMs: Math.max(...moments.map(({ at }) => at)) - origin,
            who: [...new Set(moments.map(({ who }) => who))].sort(),
            what,
          },
        ];
  return [
    ...step('apply', ended([root]), `Deployment ${target.deployment} is stored`),
    ...step('ReplicaSet', made('ReplicaSet'), `created ${namesOf(made('ReplicaSet'))}`),
    ...step('Pods', made('Pod'), `created ${pods.size} pods`),
    ...step('bound', bound, `${new Set(bound.map(({ name }) => name)).size} pods to nodes`),
    ...step('started', ended(started), `containers of ${new Set(started.map(({ span }) => span.name)).size} pods`),
    ...step('ready', ended(ready), `${ready.length} pods`),
    ...step('endpoints', slices.slice(-1), namesOf(slices.slice(-1))),
    ...step('rules', ended(rules), `on ${rules.length} nodes`),
  ];
}

interface Moment {
  name: string;
  at: number;
  who: string;
}

function writes(verb: string, kind: string): (node: TraceNode) => TracedWrite[] {
  return (node) => node.wrote.filter((write) => write.verb === verb && write.kind === kind);
}

/** The endpoints controller names slices after their Service. */
function isSliceOf(service: string): (write: TracedWrite) => boolean {
  return (write) => write.kind === 'EndpointSlice' && write.name.startsWith(`${service}-`) && write.verb !== 'delete';
}

function says(span: Span, pattern: RegExp): boolean {
  return [span.saw, ...span.did].some((text) => pattern.test(text));
}

function lastOfEach(nodes: readonly TraceNode[]): TraceNode[] {
  return [...new Map(nodes.map((node) => [`${node.span.instance} ${node.span.name}`, node])).values()];
}

function namesOf(moments: readonly Moment[]): string {
  return [...new Set(moments.map(({ name }) => name))].join(', ');
}
