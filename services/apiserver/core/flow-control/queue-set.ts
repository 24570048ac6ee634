// Decides which of the waiting requests of one priority level runs next: fair queuing by seats and time, over queues that
// each flow shares with few others (Kubernetes' KEP 1040). Never starts a request, and knows no clock: time is an argument.
import { Running } from './running.ts';
import { deal, hashOf } from './shuffle-shard.ts';

export interface QueuingConfig {
  queues: number;
  handSize: number;
  queueLengthLimit: number;
}

export interface Ticket {
  readonly schema: string;
  readonly level: string;
  readonly flow: string;
  readonly seats: number;
  readonly arrivedAt: number;
  /** What an operator is shown of it. */
  readonly about: () => readonly string[];
  state: 'waiting' | 'running' | 'rejected' | 'done';
  startedAt: number;
  queue: Queue | undefined;
  /** Progress of the level when it came: it is never served as if it had come earlier. */
  arrivalR: number;
  /** Among those that run. */
  place: number;
}

interface Queue {
  readonly index: number;
  readonly waiting: Ticket[];
  readonly running: Running;
  seatsInUse: number;
  /** Virtual time at which its next request would begin, in seat-milliseconds. */
  nextR: number;
}

/** What a request is charged when it starts; the difference to its real time is made good when it ends. */
const ASSUMED_MS = 3;
const REMEMBERED_HANDS = 2_000;

export class QueueSet {
  readonly name: string;
  /** Seats that may be taken at once; Infinity: exempt. */
  limit: number;
  #config: QueuingConfig | undefined;
  #queues: Queue[] = [];
  readonly #unqueued = new Running();
  readonly #hands = new Map<string, number[]>();
  #robin = 0;
  #enqueues = 0;
  /** Virtual time: how far a queue that always had work would have come. */
  #currentR = 0;
  #at = 0;
  seatsInUse = 0;
  seatsWaiting = 0;
  running = 0;
  waiting = 0;
  /** Most seats that were wanted at once since it was last asked. */
  #mostWanted = 0;
  readonly totals = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };

  constructor(name: string, limit: number, config: QueuingConfig | undefined) {
    this.name = name;
    this.limit = limit;
    this.configure(config);
  }

  get handSize(): number {
    return this.#config?.handSize ?? 1;
  }

  get isIdle(): boolean {
    return this.running + this.waiting === 0;
  }

  get queues(): readonly Readonly<Queue>[] {
    return this.#queues;
  }

  get unqueued(): Iterable<Ticket> {
    return this.#unqueued;
  }

  /** Queues that go away keep what they have; no request is sent to them any more. */
  configure(config: QueuingConfig | undefined): void {
    const same =
      this.#config?.queues === config?.queues &&
      this.#config?.handSize === config?.handSize &&
      this.#config?.queueLengthLimit === config?.queueLengthLimit;
    if (same) return;
    this.#config = config;
    this.#hands.clear();
    for (let index = this.#queues.length; index < (config?.queues ?? 0); index++)
      this.#queues.push({ index, waiting: [], running: new Running(), seatsInUse: 0, nextR: 0 });
    this.#dropSurplus();
  }

  /** Takes it in, to run now or later, or refuses it: `ticket.state` says which. Those that may run now come back. */
  arrive(ticket: Ticket, now: number): Ticket[] {
    this.#advance(now);
    ticket.arrivalR = this.#currentR;
    if (this.#config === undefined) return this.#withoutQueue(ticket, now);
    const queue = this.#choose(ticket.flow, this.#config);
    // Also while a seat is free: it may be too few for those who wait, and a queue would grow without bound.
    if (queue.waiting.length >= this.#config.queueLengthLimit) {
      ticket.state = 'rejected';
      this.totals.rejected++;
      return [];
    }
    if (queue.waiting.length === 0 && queue.running.size === 0) queue.nextR = this.#currentR;
    ticket.queue = queue;
    queue.waiting.push(ticket);
    this.waiting++;
    this.seatsWaiting += ticket.seats;
    this.#noteDemand();
    return this.dispatch(now);
  }

  /** Ends one that ran. Those that may run now come back. */
  finish(ticket: Ticket, now: number): Ticket[] {
    if (ticket.state !== 'running') return [];
    this.#advance(now);
    ticket.state = 'done';
    this.running--;
    this.seatsInUse -= ticket.seats;
    const { queue } = ticket;
    if (queue === undefined) this.#unqueued.delete(ticket);
    else {
      queue.running.delete(ticket);
      queue.seatsInUse -= ticket.seats;
      queue.nextR += (now - ticket.startedAt - ASSUMED_MS) * ticket.seats;
      this.#bound(queue);
      this.#dropSurplus();
    }
    return this.dispatch(now);
  }

  /** Takes one out that waits no longer: its time is over, or its client went. */
  abandon(ticket: Ticket, now: number, why: 'timedOut' | 'cancelled'): Ticket[] {
    if (ticket.state !== 'waiting' || ticket.queue === undefined) return [];
    this.#advance(now);
    ticket.state = 'done';
    this.totals[why]++;
    ticket.queue.waiting.splice(ticket.queue.waiting.indexOf(ticket), 1);
    this.waiting--;
    this.seatsWaiting -= ticket.seats;
    this.#bound(ticket.queue);
    this.#dropSurplus();
    return this.dispatch(now);
  }

  /** Starts what may be started. */
  dispatch(now: number): Ticket[] {
    const started: Ticket[] = [];
    while (this.waiting > 0 && this.seatsInUse < this.limit) {
      const queue = this.#next(now);
      const ticket = queue.waiting[0]!;
      if (!this.#fits(ticket.seats)) break;
      queue.waiting.shift();
      this.#robin = queue.index;
      this.waiting--;
      this.seatsWaiting -= ticket.seats;
      queue.running.add(ticket);
      queue.seatsInUse += ticket.seats;
      queue.nextR += ticket.seats * ASSUMED_MS;
      this.#bound(queue);
      this.#start(ticket, now);
      started.push(ticket);
    }
    return started;
  }

  /** Most seats that were wanted at once since the last call. */
  takeDemand(): number {
    const most = this.#mostWanted;
    this.#mostWanted = this.seatsInUse + this.seatsWaiting;
    return most;
  }

  #withoutQueue(ticket: Ticket, now: number): Ticket[] {
    if (!this.#fits(ticket.seats)) {
      ticket.state = 'rejected';
      this.totals.rejected++;
      return [];
    }
    this.#unqueued.add(ticket);
    this.#start(ticket, now);
    this.#noteDemand();
    return [ticket];
  }

  #start(ticket: Ticket, now: number): void {
    ticket.state = 'running';
    ticket.startedAt = now;
    this.running++;
    this.seatsInUse += ticket.seats;
    this.totals.dispatched++;
  }

  /** One that is wider than the whole level runs alone. */
  #fits(seats: number): boolean {
    return seats > this.limit ? this.running === 0 : this.seatsInUse + seats <= this.limit;
  }

  /** The queue of the flow's hand in which the least work waits. */
  #choose(flow: string, config: QueuingConfig): Queue {
    const hand = this.#handOf(flow, config);
    const offset = this.#enqueues++ % hand.length;
    let best: Queue | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < hand.length; i++) {
      const queue = this.#queues[hand[(offset + i) % hand.length]!]!;
      let work = 0;
      for (const { seats } of queue.waiting) work += seats;
      if (work >= least) continue;
      least = work;
      best = queue;
    }
    return best!;
  }

  #handOf(flow: string, { queues, handSize }: QueuingConfig): number[] {
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      hand = deal(hashOf(flow), queues, handSize);
      this.#hands.set(flow, hand);
      if (this.#hands.size > REMEMBERED_HANDS) this.#hands.delete(this.#hands.keys().next().value!);
    }
    return hand;
  }

  /** Where the oldest request would be done first, were all queues served evenly; of equals, the one after the last. */
  #next(now: number): Queue {
    let chosen: Queue | undefined;
    let first = Number.POSITIVE_INFINITY;
    const count = this.#queues.length;
    for (let i = 1; i <= count; i++) {
      const queue = this.#queues[(this.#robin + i) % count]!;
      const oldest = queue.waiting[0];
      if (oldest === undefined) continue;
      const finish = queue.nextR + overdue(queue, now) + oldest.seats * ASSUMED_MS;
      if (finish >= first) continue;
      first = finish;
      chosen = queue;
    }
    return chosen!;
  }

  /** A queue that did not use its part does not save it up: service never begins before arrival. */
  #bound(queue: Queue): void {
    const oldest = queue.waiting[0];
    if (oldest !== undefined && queue.nextR < oldest.arrivalR) queue.nextR = oldest.arrivalR;
  }

  /** Virtual time goes as fast as each busy queue would be served. */
  #advance(now: number): void {
    const passed = Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    if (passed === 0 || this.#config === undefined) return;
    let busy = 0;
    for (const queue of this.#queues) if (queue.waiting.length + queue.running.size > 0) busy++;
    if (busy > 0) this.#currentR += (passed * Math.min(this.limit, this.seatsInUse + this.seatsWaiting)) / busy;
  }

  #noteDemand(): void {
    this.#mostWanted = Math.max(this.#mostWanted, this.seatsInUse + this.seatsWaiting);
  }

  #dropSurplus(): void {
    while (this.#queues.length > (this.#config?.queues ?? 0)) {
      const last = this.#queues.at(-1)!;
      if (last.waiting.length + last.running.size > 0) return;
      this.#queues.pop();
    }
  }
}

/** What its running requests took beyond what was assumed: upstream charges that at their end, too late for whom they hold up. */
function overdue(queue: Queue, now: number): number {
  let work = 0;
  for (const { startedAt, seats } of queue.running) work += Math.max(0, now - startedAt - ASSUMED_MS) * seats;
  return work;
}
