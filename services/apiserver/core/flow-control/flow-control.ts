// Decides for every request whether it runs now, waits in which queue, or is refused, by the FlowSchemas and priority levels
// of the cluster. Never knows how a request is run: it is told when one comes, ends or gives up, and what time it is.
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../lib/api/generated/types.ts';
import type { User } from '../auth/user.ts';
import { bootstrapLevels, bootstrapSchemas, MANDATORY } from './bootstrap.ts';
import { isExempt, seatBounds, shareOut, type SeatBounds } from './concurrency.ts';
import { distinguisher, inOrder, matches, type Digest } from './match.ts';
import { QueueSet, type QueuingConfig, type Ticket } from './queue-set.ts';
import { RetryAfter } from './retry-after.ts';
import { widest } from './work-estimate.ts';

export type { Ticket } from './queue-set.ts';

/** What a request belongs to; the uids are told to the client. */
export interface Classified {
  schema: FlowSchema;
  level: PriorityLevelConfiguration;
  flow: string;
  /** Widest that a request of this level may be. */
  mostSeats: number;
}

export interface Level {
  config: PriorityLevelConfiguration;
  queues: QueueSet;
  bounds: SeatBounds;
  smoothedDemand: number;
  retryAfter: RetryAfter;
  /** Its configuration is gone; it ends with its last request. */
  quiescing: boolean;
}

/** How much of the past stays in the demand of a level each time it is looked at, as upstream has it. */
const SMOOTHING = 0.977;
/** Of one user. */
const REMEMBERED_QUESTIONS = 500;

export class FlowControl {
  readonly #total: number;
  readonly levels = new Map<string, Level>();
  #schemas: FlowSchema[] = [];
  /** A connection asks for the same things again and again. Of this configuration only. */
  #known = new WeakMap<User, Map<string, FlowSchema>>();

  /** `total`: seats of the whole server. */
  constructor(total: number) {
    this.#total = total;
    this.configure([], []);
  }

  /** Takes what is configured now; what is mandatory is there in any case. Those that may run now come back. */
  configure(schemas: readonly FlowSchema[], configs: readonly PriorityLevelConfiguration[], now = 0): Ticket[] {
    this.#known = new WeakMap();
    const wanted = new Map(withMandatory(configs, bootstrapLevels()).map((config) => [config.metadata!.name!, config]));
    this.#schemas = inOrder(
      withMandatory(schemas, bootstrapSchemas()).filter((schema) =>
        wanted.has(schema.spec?.priorityLevelConfiguration?.name ?? ''),
      ),
    );
    for (const [name, level] of this.levels) level.quiescing = !wanted.has(name);
    const bounds = seatBounds([...wanted.values()], this.#total);
    for (const [name, config] of wanted) this.#setLevel(config, bounds.get(name)!);
    this.#dropEmpty();
    return [...this.levels.values()].flatMap(({ queues }) => queues.dispatch(now));
  }

  classify(digest: Digest): Classified {
    return this.#classified(this.#schemaOf(digest), digest);
  }

  #schemaOf(digest: Digest): FlowSchema {
    const { user, info } = digest;
    if (!info.isResource) return this.#matched(digest);
    let known = this.#known.get(user);
    if (known === undefined || known.size >= REMEMBERED_QUESTIONS) this.#known.set(user, (known = new Map()));
    const question = `${info.verb} ${info.namespace}/${info.resource}/${info.subresource}.${info.group}`;
    let schema = known.get(question);
    if (schema === undefined) known.set(question, (schema = this.#matched(digest)));
    return schema;
  }

  #matched(digest: Digest): FlowSchema {
    for (const schema of this.#schemas) if (matches(schema, digest)) return schema;
    // Its rules name everyone, but a user may have no group at all.
    return this.#schemas.find(({ metadata }) => metadata!.name === 'catch-all')!;
  }

  /** `ticket.state` says what becomes of it; those that may run now come back, perhaps with it. */
  arrive(
    { schema, level, flow }: Classified,
    seats: number,
    about: Ticket['about'],
    now: number,
  ): { ticket: Ticket; started: Ticket[] } {
    const ticket: Ticket = {
      schema: schema.metadata!.name!,
      level: level.metadata!.name!,
      flow: `${schema.metadata!.name!}/${flow}`,
      seats,
      arrivedAt: now,
      about,
      state: 'waiting',
      startedAt: now,
      queue: undefined,
      arrivalR: 0,
      place: 0,
    };
    return { ticket, started: this.levels.get(ticket.level)!.queues.arrive(ticket, now) };
  }

  finish(ticket: Ticket, now: number): Ticket[] {
    return this.#after(ticket, (queues) => queues.finish(ticket, now));
  }

  abandon(ticket: Ticket, now: number, why: 'timedOut' | 'cancelled'): Ticket[] {
    return this.#after(ticket, (queues) => queues.abandon(ticket, now, why));
  }

  /** Seconds after which a refused client may come again. */
  refused(ticket: Ticket, now: number): number {
    return this.levels.get(ticket.level)?.retryAfter.refused(Math.floor(now / 1000)) ?? 1;
  }

  /** Moves seats to where they are wanted; to be called every ten seconds. Those that may run now come back. */
  adjust(now: number): Ticket[] {
    const limited = [...this.levels.values()].filter(({ config }) => !isExempt(config));
    const claims = limited.map((level) => {
      const demand = level.queues.takeDemand();
      level.smoothedDemand = Math.max(demand, SMOOTHING * level.smoothedDemand + (1 - SMOOTHING) * demand);
      return { ...level.bounds, demand, smoothed: level.smoothedDemand };
    });
    const total = claims.reduce((sum, { nominal }) => sum + nominal, 0);
    for (const [i, seats] of shareOut(claims, total).entries()) {
      const { bounds, queues } = limited[i]!;
      // One seat is never lent, or who comes next would wait for the next adjustment.
      queues.limit = Math.max(bounds.nominal > 0 ? 1 : 0, seats);
    }
    return limited.flatMap(({ queues }) => queues.dispatch(now));
  }

  #classified(schema: FlowSchema, digest: Digest): Classified {
    const { config, queues } = this.levels.get(schema.spec!.priorityLevelConfiguration!.name!)!;
    const mostSeats = isExempt(config) ? 1 : widest(queues.limit, queues.handSize);
    return { schema, level: config, flow: distinguisher(schema, digest), mostSeats };
  }

  #setLevel(config: PriorityLevelConfiguration, bounds: SeatBounds): void {
    const name = config.metadata!.name!;
    const known = this.levels.get(name);
    const queuing = config.spec?.limited?.limitResponse?.queuing as QueuingConfig | undefined;
    const same = known?.bounds.nominal === bounds.nominal && known.bounds.least === bounds.least;
    const limit = isExempt(config) ? Number.POSITIVE_INFINITY : bounds.nominal;
    if (known === undefined) {
      const queues = new QueueSet(name, limit, queuing);
      const retryAfter = new RetryAfter();
      this.levels.set(name, { config, queues, bounds, smoothedDemand: 0, retryAfter, quiescing: false });
      return;
    }
    known.queues.configure(queuing);
    if (!same) known.queues.limit = limit;
    Object.assign(known, { config, bounds, quiescing: false });
  }

  #after(ticket: Ticket, what: (queues: QueueSet) => Ticket[]): Ticket[] {
    const level = this.levels.get(ticket.level);
    if (level === undefined) return [];
    const started = what(level.queues);
    if (level.quiescing) this.#dropEmpty();
    return started;
  }

  #dropEmpty(): void {
    for (const [name, { quiescing, queues }] of this.levels) if (quiescing && queues.isIdle) this.levels.delete(name);
  }
}

/** What is stored, and the mandatory ones as they must be where they are not stored yet. */
function withMandatory<T extends { metadata?: { name?: string } }>(
  stored: readonly T[],
  born: readonly unknown[],
): T[] {
  const names = new Set(stored.map(({ metadata }) => metadata!.name));
  const missing = (born as T[]).filter(({ metadata }) => MANDATORY.has(metadata!.name!) && !names.has(metadata!.name));
  return [...stored, ...missing];
}
