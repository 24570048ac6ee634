// Decides what is known when it is asked why something is not ready: objects, events, actors, the recent trace. Never
// gathers any of it, and never holds a Secret's values.
import type {
  EndpointSlice,
  Event,
  Node,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Service,
} from '../../../lib/api/generated/types.ts';
import type { Span } from '../../../lib/bus/messages.ts';
import type { KubeObject } from '../../../lib/reconcile/controller.ts';

/** An object of any kind, as the API answers it. */
export interface AnyObject extends KubeObject {
  kind: string;
  apiVersion: string;
  spec?: Record<string, unknown> | undefined;
  status?: Record<string, unknown> | undefined;
}

export interface ActorFact {
  instance: string;
  actor: string;
  /** `running`, or what its supervisor says of it: `stopped`, `backoff`, `paused` … */
  state: string;
  /** It answered on the bus just now. */
  answers: boolean;
  /** Leads, or needs no election; undefined: it did not say. */
  leads?: boolean | undefined;
}

export interface Facts {
  /** Milliseconds since 1970. */
  now: number;
  target: { kind: string; namespace: string; name: string };
  /** undefined: there is none of this name. */
  object?: AnyObject | undefined;
  /** Names of the kind in the namespace that look alike, where there is no such object. */
  similar: string[];
  /** Of the target's namespace. */
  pods: Pod[];
  replicaSets: ReplicaSet[];
  /** Other owners between a workload and its pods: Jobs of a CronJob. */
  owned: AnyObject[];
  services: Service[];
  endpointSlices: EndpointSlice[];
  claims: PersistentVolumeClaim[];
  quotas: AnyObject[];
  events: Event[];
  nodes: Node[];
  /** Of all namespaces, for what is taken on each node: only where a pod waits for one. */
  allPods: Pod[];
  storageClasses: AnyObject[];
  volumes: AnyObject[];
  /** What is still in a namespace that is being deleted. */
  leftovers: AnyObject[];
  actors: ActorFact[];
  /** Why writes are refused now, where the stores have no majority. */
  noQuorum?: string | undefined;
  /** About the target and its pods, oldest first. */
  spans: Span[];
}

export interface Answer {
  /** Names the unfinished edge: `unschedulable`, `image-not-found`, `ready` … */
  code: string;
  /** false: nothing is stuck. */
  isStuck: boolean;
  /** What waits for what, in one sentence. */
  what: string;
  /** What shows it, a line each. */
  because: string[];
  /** What helps, a line each, the likeliest first. */
  help: string[];
  /** The way there, from what was asked for to what is stuck: `deployment/web`, `pod/web-a`. */
  way: string[];
}

export type Rule<T> = (facts: Facts, object: T) => Answer | undefined;

export function stuck(code: string, what: string, because: readonly string[], help: readonly string[]): Answer {
  return {
    code,
    isStuck: true,
    what,
    because: [...new Set(because.filter((line) => line !== ''))],
    help: [...help],
    way: [],
  };
}

export function fine(code: string, what: string, because: readonly string[] = []): Answer {
  return { code, isStuck: false, what, because: [...because], help: [], way: [] };
}

export function firstAnswer<T>(rules: ReadonlyArray<Rule<T>>, facts: Facts, object: T): Answer | undefined {
  for (const rule of rules) {
    const answer = rule(facts, object);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** Newest last. */
export function eventsOf(facts: Facts, object: { kind: string; name: string }, reason?: string): Event[] {
  return facts.events
    .filter(
      ({ involvedObject, reason: its }) =>
        involvedObject.kind === object.kind &&
        involvedObject.name === object.name &&
        (reason === undefined || its === reason),
    )
    .toSorted((a, b) => lastSeen(a) - lastSeen(b));
}

function lastSeen({ lastTimestamp, eventTime, metadata }: Event): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;
}

/** Lowercase, as commands name things. */
export function nameOf({ kind, metadata }: { kind?: string | undefined; metadata: { name: string } }): string {
  return `${(kind ?? 'object').toLowerCase()}/${metadata.name}`;
}
