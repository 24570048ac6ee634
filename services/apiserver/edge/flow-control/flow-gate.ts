// Does: lets requests in as flow control says: now, when their turn comes, or not at all; and counts them. Never decides whose
// turn it is.
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../lib/api/generated/types.ts';
import type { Chance } from '../../../../lib/base/chance.ts';
import type { Clock, Timer } from '../../../../lib/base/clock.ts';
import type { User } from '../../core/auth/user.ts';
import type { ClusterCache } from '../../core/cache/cluster-cache.ts';
import { FLOW_SCHEMAS, PRIORITY_LEVELS } from '../../core/flow-control/bootstrap.ts';
import { FlowControl, type Classified, type Ticket } from '../../core/flow-control/flow-control.ts';
import { seatsOf } from '../../core/flow-control/work-estimate.ts';
import type { RequestInfo } from '../../core/request-info.ts';
import { streamOf } from '../../core/storage-key.ts';
import { FlowMetrics } from './flow-metrics.ts';
import type { Inflight } from './inflight.ts';

export interface FlowGateOptions {
  /** Seats of the whole server; upstream's 400 reading and 200 writing requests. */
  seats?: number;
  /** Longest that a request waits; upstream: a quarter of its minute. */
  waitMs?: number;
}

const SEATS = 600;
const WAIT_MS = 15_000;
const ADJUST_MS = 10_000;

/** Conversations last as long as their clients wish: no seat could be kept for them. */
const CONVERSATIONS = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

export type Entry =
  | { type: 'in'; leave(): void; headers: Record<string, string> }
  | { type: 'refused'; retryAfterSeconds: number; headers: Record<string, string> }
  /** The client went while it waited. */
  | { type: 'gone' };

export interface Visitor {
  user: User;
  info: RequestInfo;
  query: URLSearchParams;
  /** Calls back once when the client has gone. */
  onGone?: (listener: () => void) => void;
}

const FREE: Entry = { type: 'in', leave() {}, headers: {} };

export class FlowGate {
  readonly #clock: Clock;
  readonly #cache: ClusterCache;
  readonly #metrics: FlowMetrics;
  readonly #waitMs: number;
  readonly control: FlowControl;
  #key = -1;
  readonly #waiting = new Map<
    Ticket,
    {
      timer: Timer;
      enter: (entry: Entry) => void;
      headers: Record<string, string>;
      kind: Inflight | undefined;
    }
  >();
  #adjusting: Timer | undefined;

  constructor(clock: Clock, cache: ClusterCache, registry: FlowMetrics['registry'], options: FlowGateOptions = {}) {
    this.#clock = clock;
    this.#cache = cache;
    this.control = new FlowControl(options.seats ?? SEATS);
    this.#waitMs = options.waitMs ?? WAIT_MS;
    this.#metrics = new FlowMetrics(registry, this.control, clock);
  }

  /** Spreads the API actors' moments of adjusting. */
  start(chance: Chance): void {
    this.#adjusting = this.#clock.timer(ADJUST_MS * (1 + chance.float() / 10), () => {
      this.#admit(this.control.adjust(this.#clock.monotonic()));
      this.start(chance);
    });
  }

  /** Nobody waits for ever at a gate that is closed for good. */
  stop(): void {
    this.#adjusting?.cancel();
    for (const [ticket, { timer, enter }] of this.#waiting) {
      timer.cancel();
      this.#waiting.delete(ticket);
      enter({ type: 'gone' });
    }
  }

  /** A promise only where the request must wait. */
  enter(visitor: Visitor): Entry | Promise<Entry> {
    const { user, info, query } = visitor;
    if (info.isResource && CONVERSATIONS.has(info.subresource)) return FREE;
    this.#configure();
    const classified = this.control.classify({ user, info });
    const seats = seatsOf(info, query, classified.mostSeats, this.#countOf);
    const now = this.#clock.monotonic();
    const { ticket, started } = this.control.arrive(classified, seats, () => aboutOf(visitor), now);
    this.#metrics.estimated(ticket);
    const headers = headersOf(classified);
    if (ticket.state === 'rejected') return this.#refused(ticket, headers, 'queue-full');
    if (ticket.state === 'running') {
      this.#admit(started.filter((other) => other !== ticket));
      return this.#in(ticket, headers, this.#metrics.kindOf(info));
    }
    this.#admit(started);
    return this.#wait(ticket, headers, visitor);
  }

  readonly #countOf = (group: string, resource: string, namespace: string): number => {
    const { objects } = this.#cache.resource(streamOf(group, resource));
    if (namespace === '') return objects.size;
    // No one list is wider than so many objects make it.
    let count = 0;
    for (const _ of this.#cache.list(streamOf(group, resource), namespace)) if (++count >= 1_000) break;
    return count;
  };

  #configure(): void {
    const schemas = this.#cache.resource(FLOW_SCHEMAS);
    const levels = this.#cache.resource(PRIORITY_LEVELS);
    // Revisions only grow: so does their sum with every change.
    const key = schemas.lastRevision + levels.lastRevision;
    if (key === this.#key) return;
    this.#key = key;
    const objects = (stream: string): unknown[] => [...this.#cache.list(stream)].map((item) => item.object);
    this.#admit(
      this.control.configure(
        objects(FLOW_SCHEMAS) as FlowSchema[],
        objects(PRIORITY_LEVELS) as PriorityLevelConfiguration[],
        this.#clock.monotonic(),
      ),
    );
  }

  #in(ticket: Ticket, headers: Record<string, string>, kind: Inflight | undefined): Entry {
    this.#metrics.dispatched(ticket);
    kind?.enter(ticket.startedAt);
    let left = false;
    return {
      type: 'in',
      headers,
      leave: () => {
        if (left) return;
        left = true;
        const now = this.#clock.monotonic();
        this.#metrics.finished(ticket, now, kind === undefined);
        kind?.leave(now);
        this.#admit(this.control.finish(ticket, now));
      },
    };
  }

  #refused(ticket: Ticket, headers: Record<string, string>, reason: string): Entry {
    this.#metrics.rejected(
      ticket,
      ticket.queue === undefined && reason === 'queue-full' ? reasonOf(this.control, ticket) : reason,
    );
    return { type: 'refused', headers, retryAfterSeconds: this.control.refused(ticket, this.#clock.monotonic()) };
  }

  #wait(ticket: Ticket, headers: Record<string, string>, { onGone, info }: Visitor): Promise<Entry> {
    return new Promise((enter) => {
      const leave = (why: 'timedOut' | 'cancelled'): void => {
        if (!this.#waiting.delete(ticket)) return;
        timer.cancel();
        const now = this.#clock.monotonic();
        const started = this.control.abandon(ticket, now, why);
        this.#metrics.waited(ticket, now, false);
        if (why === 'cancelled') this.#metrics.rejected(ticket, 'cancelled');
        enter(why === 'cancelled' ? { type: 'gone' } : this.#refused(ticket, headers, 'time-out'));
        this.#admit(started);
      };
      const timer = this.#clock.timer(this.#waitMs, () => leave('timedOut'));
      this.#waiting.set(ticket, { timer, enter, headers, kind: this.#metrics.kindOf(info) });
      onGone?.(() => leave('cancelled'));
    });
  }

  /** Each in a turn of its own: else the lists of a queue would follow each other before any new request is even read. */
  #admit(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) {
      const waiter = this.#waiting.get(ticket);
      if (waiter === undefined) continue;
      this.#waiting.delete(ticket);
      waiter.timer.cancel();
      this.#metrics.waited(ticket, ticket.startedAt, true);
      setImmediate(() => waiter.enter(this.#in(ticket, waiter.headers, waiter.kind)));
    }
  }
}

/** A level without queues has only its seats to be full of. */
function reasonOf(control: FlowControl, ticket: Ticket): string {
  return control.levels.get(ticket.level)?.queues.queues.length === 0 ? 'concurrency-limit' : 'queue-full';
}

function headersOf({ schema, level }: Classified): Record<string, string> {
  return {
    'x-kubernetes-pf-flowschema-uid': schema.metadata?.uid ?? '',
    'x-kubernetes-pf-prioritylevel-uid': level.metadata?.uid ?? '',
  };
}

/** In the order of dump.ts: user, verb, path, namespace, name, version, resource, subresource. */
function aboutOf({ user, info }: Visitor): readonly string[] {
  if (!info.isResource) return [user.name, info.verb, info.path, '', '', '', '', ''];
  const version = info.group === '' ? info.version : `${info.group}/${info.version}`;
  return [user.name, info.verb, '', info.namespace, info.name, version, info.resource, info.subresource];
}
