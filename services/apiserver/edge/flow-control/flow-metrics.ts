// Does: counts what flow control lets in, keeps waiting and refuses, under kube-apiserver's names. Never decides anything.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../../../lib/base/clock.ts';
import type { FlowControl } from '../../core/flow-control/flow-control.ts';
import type { Ticket } from '../../core/flow-control/queue-set.ts';
import { isLongRunning, type RequestInfo } from '../../core/request-info.ts';
import { Inflight } from './inflight.ts';
import { Spreads, Tallies, type Spread, type Tally } from '../tallies.ts';

const PREFIX = 'apiserver_flowcontrol_';
const LABELS = ['priority_level', 'flow_schema'] as const;
const SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

interface Children {
  dispatched: Tally;
  seats: Spread;
  executed: Spread;
  watched: Spread;
}

export class FlowMetrics {
  readonly registry: Registry;
  readonly #inflight = { readOnly: new Inflight(), mutating: new Inflight() };
  readonly #dispatched: Tallies;
  readonly #rejected: Counter;
  readonly #waits: Spreads;
  readonly #executions: Spreads;
  readonly #seats: Spreads;
  /** Looking a child up by its labels costs more than counting. */
  readonly #children = new Map<string, Children>();

  constructor(registry: Registry, control: FlowControl, clock: Clock) {
    this.registry = registry;
    const histogram = (name: string, help: string, bounds: number[], more: string[] = []): Spreads =>
      new Spreads({ name: `${PREFIX}${name}`, help, labelNames: [...LABELS, ...more], bounds, registry });
    this.#dispatched = new Tallies({
      name: `${PREFIX}dispatched_requests_total`,
      help: 'Requests that were let in.',
      labelNames: LABELS,
      registry,
    });
    this.#rejected = new Counter({
      name: `${PREFIX}rejected_requests_total`,
      help: 'Requests that were refused, by reason.',
      labelNames: [...LABELS, 'reason'],
      registers: [registry],
    });
    this.#waits = histogram('request_wait_duration_seconds', 'Time that requests waited in their queue.', SECONDS, [
      'execute',
    ]);
    this.#executions = histogram('request_execution_seconds', 'Time that requests kept their seats.', SECONDS, [
      'type',
    ]);
    this.#seats = histogram('work_estimated_seats', 'Seats that requests asked for.', [1, 2, 4, 10]);
    gauges(registry, control);
    tellInflight(registry, this.#inflight, clock);
  }

  estimated(ticket: Ticket): void {
    this.#of(ticket).seats.observe(ticket.seats);
  }

  dispatched(ticket: Ticket): void {
    this.#of(ticket).dispatched.inc();
  }

  finished(ticket: Ticket, now: number, isWatch: boolean): void {
    const { executed, watched } = this.#of(ticket);
    (isWatch ? watched : executed).observe((now - ticket.startedAt) / 1000);
  }

  /** Undefined: it goes on for as long as both sides want, and is counted elsewhere. */
  kindOf(info: RequestInfo): Inflight | undefined {
    if (isLongRunning(info)) return undefined;
    return READING.has(info.verb) ? this.#inflight.readOnly : this.#inflight.mutating;
  }

  waited({ level, schema, arrivedAt }: Ticket, now: number, execute: boolean): void {
    this.#waits.of(level, schema, String(execute)).observe((now - arrivedAt) / 1000);
  }

  rejected({ level, schema }: Ticket, reason: string): void {
    this.#rejected.inc({ priority_level: level, flow_schema: schema, reason });
  }

  #of({ level, schema }: Ticket): Children {
    const key = `${level}/${schema}`;
    let known = this.#children.get(key);
    if (known === undefined) {
      known = {
        dispatched: this.#dispatched.of(level, schema),
        seats: this.#seats.of(level, schema),
        executed: this.#executions.of(level, schema, 'regular'),
        watched: this.#executions.of(level, schema, 'watch'),
      };
      this.#children.set(key, known);
    }
    return known;
  }
}

type LevelOf = FlowControl['levels'] extends Map<string, infer Level> ? Level : never;

/** Asked when somebody looks, from the state itself. */
function gauges(registry: Registry, control: FlowControl): void {
  const gauge = (name: string, help: string, read: (level: LevelOf) => number): void =>
    void new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames: ['priority_level'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [name, level] of control.levels) this.set({ priority_level: name }, read(level));
      },
    });
  const bySchema = (name: string, help: string, read: (told: Told) => number): void =>
    void new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset();
        for (const [priority_level, level] of control.levels)
          for (const [flow_schema, told] of bySchemas(level)) this.set({ priority_level, flow_schema }, read(told));
      },
    });
  bySchema('current_inqueue_requests', 'Requests that wait.', ({ waiting }) => waiting);
  bySchema('current_inqueue_seats', 'Seats that waiting requests ask for.', ({ seatsWaiting }) => seatsWaiting);
  bySchema('current_executing_requests', 'Requests that were let in and are not done.', ({ running }) => running);
  bySchema('current_executing_seats', 'Seats that are taken.', ({ seats }) => seats);
  bySchema('request_concurrency_in_use', 'Seats that are taken.', ({ seats }) => seats);
  gauge('request_concurrency_limit', 'Seats of the level by its share.', ({ bounds }) => bounds.nominal);
  gauge('nominal_limit_seats', 'Seats of the level by its share.', ({ bounds }) => bounds.nominal);
  gauge('lower_limit_seats', 'Seats that the level never lends.', ({ bounds }) => bounds.least);
  gauge('upper_limit_seats', 'Seats that the level has with all it may borrow.', ({ bounds }) => bounds.most);
  gauge('current_limit_seats', 'Seats of the level now.', ({ queues, bounds }) =>
    // An exempt level has no end of them.
    Number.isFinite(queues.limit) ? queues.limit : bounds.nominal,
  );
  gauge('demand_seats_smoothed', 'Seats that were wanted at once, smoothed.', ({ smoothedDemand }) => smoothedDemand);
}

interface Told {
  waiting: number;
  seatsWaiting: number;
  running: number;
  seats: number;
}

function bySchemas({ queues }: LevelOf): Map<string, Told> {
  const told = new Map<string, Told>();
  const of = ({ schema }: Ticket): Told => {
    const known = told.get(schema) ?? { waiting: 0, seatsWaiting: 0, running: 0, seats: 0 };
    told.set(schema, known);
    return known;
  };
  const runs = (ticket: Ticket): void => {
    const known = of(ticket);
    known.running++;
    known.seats += ticket.seats;
  };
  for (const queue of queues.queues) {
    for (const ticket of queue.waiting) {
      const known = of(ticket);
      known.waiting++;
      known.seatsWaiting += ticket.seats;
    }
    for (const ticket of queue.running) runs(ticket);
  }
  for (const ticket of queues.unqueued) runs(ticket);
  return told;
}

const READING: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head']);

function tellInflight(registry: Registry, inflight: Readonly<Record<string, Inflight>>, clock: Clock): void {
  void new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Most requests that were served at once in the last second.',
    labelNames: ['request_kind'],
    registers: [registry],
    collect() {
      for (const [request_kind, one] of Object.entries(inflight))
        this.set({ request_kind }, one.peak(clock.monotonic()));
    },
  });
}
