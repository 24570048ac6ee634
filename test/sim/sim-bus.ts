// Decides what becomes of each message between simulated processes: carried late, twice, out of order, or not at all; and
// of their connections to a server that restarts and cuts slow readers. Never carries what a dead process says.
import { BusError, type Bus, type BusMessage, type BusStatus, type Subscription } from '../../lib/bus/bus.ts';
import { decode, encode } from '../../lib/bus/codec.ts';
import { matches } from '../../lib/bus/memory.ts';
import { LIMITS } from '../../lib/base/limits.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export interface Weather {
  loss: number;
  doubled: number;
  /** Share of messages that take up to `slowMs`. */
  slow: number;
  slowMs: number;
  /** Messages of one sender to one receiver overtake each other. */
  reorders: boolean;
  latencyMs: { min: number; max: number };
}

export const CALM: Weather = {
  loss: 0,
  doubled: 0,
  slow: 0,
  slowMs: 1,
  reorders: false,
  latencyMs: { min: 0.05, max: 0.4 },
};

interface Subscriber {
  connection: SimBus;
  pattern: string[];
  queue: string | undefined;
  deliver(subject: string, bytes: Uint8Array, respond: Respond): void;
}

type Respond = ((data: unknown) => void) | undefined;

type Carried = (lost: 'lost' | undefined) => void;

/** Reads along with everything that is published; throws when it must not have been said. */
export type Listener = (from: string, subject: string, data: unknown) => void;

export class SimNetwork {
  weather: Weather = { ...CALM };
  /** `a>b`: nothing gets from a to b. */
  readonly cuts = new Set<string>();
  /** `a>b`: everything from a to b takes so much longer. */
  readonly clogs = new Map<string, number>();
  /** Messages that wait in a paused process before the server cuts it off. */
  pendingLimit = 100_000;
  onPublish: Listener = () => {};
  readonly world: World;
  private readonly connections = new Set<SimBus>();
  private readonly lastArrival = new Map<string, number>();
  private turn = 0;

  constructor(world: World) {
    this.world = world;
  }

  connect(process: Process): SimBus {
    const bus = new SimBus(this, process);
    this.connections.add(bus);
    return bus;
  }

  calm(): void {
    this.weather = { ...CALM };
    this.cuts.clear();
    this.clogs.clear();
    this.pendingLimit = 100_000;
  }

  /** The server is gone and comes back: nobody is told what was lost. */
  restart(outageMs: number): void {
    for (const bus of this.connections) bus.lose(outageMs + this.world.chance.float() * 300);
  }

  /** The server has not noticed that a process is gone: its subscriptions swallow messages for a while. */
  leave(bus: SimBus, lingerMs: number): void {
    this.world.after(lingerMs, () => {
      bus.drop();
      this.connections.delete(bus);
    });
  }

  of(instance: string): SimBus | undefined {
    return [...this.connections].find((bus) => bus.instance === instance && bus.process.alive);
  }

  /** How many will get it, if nothing happens on the way. */
  publish(from: SimBus, subject: string, bytes: Uint8Array, answered?: (value: unknown) => void): number {
    const tokens = subject.split('.');
    const chosen: Subscriber[] = [];
    const queues = new Map<string, Subscriber[]>();
    for (const bus of this.connections) {
      if (!bus.attached) continue;
      for (const each of bus.subscribers) {
        if (!matches(each.pattern, tokens)) continue;
        if (each.queue === undefined) chosen.push(each);
        else queues.set(each.queue, [...(queues.get(each.queue) ?? []), each]);
      }
    }
    for (const group of queues.values()) chosen.push(group[this.turn++ % group.length]!);
    for (const to of chosen) {
      this.carry(from, to.connection, subject, (lost) => {
        if (lost === undefined)
          to.connection.receive(() => to.deliver(subject, bytes, this.responder(from, to, answered)));
      });
    }
    return chosen.length;
  }

  /** What the receiver of a request answers with: another message, with its own fate. */
  private responder(
    from: SimBus,
    { connection }: Subscriber,
    answered: ((value: unknown) => void) | undefined,
  ): Respond {
    if (answered === undefined) return undefined;
    let isAnswered = false;
    return (data) => {
      if (isAnswered || !connection.process.touch('bus')) return;
      isAnswered = true;
      if (!connection.connected) return;
      const bytes = encode(data);
      this.carry(connection, from, 'answer', (lost) => {
        if (lost === undefined) from.receive(() => answered(decode(bytes)));
      });
    };
  }

  /** Calls `arrive` when it gets there, perhaps twice; at once with 'lost' when it never does. */
  carry(from: SimBus, to: SimBus, what: string, arrive: Carried): void {
    const { world, weather } = this;
    const link = `${from.instance}>${to.instance}`;
    if (this.cuts.has(link)) {
      world.count('message-cut');
      return arrive('lost');
    }
    if (world.odds(weather.loss)) {
      world.count('message-lost');
      return arrive('lost');
    }
    this.arriveLater(link, what, to, arrive);
    if (!world.odds(weather.doubled)) return;
    world.count('message-doubled');
    // Now and then very late: an old message that nobody waits for any more.
    if (world.odds(0.3)) world.after(world.draw(200, 6_000), () => this.arrives(link, what, to, to.epoch, arrive));
    else this.arriveLater(link, what, to, arrive);
  }

  private arriveLater(link: string, what: string, to: SimBus, arrive: Carried): void {
    const { world, weather } = this;
    let delay = world.draw(weather.latencyMs.min, weather.latencyMs.max) + (this.clogs.get(link) ?? 0);
    if (world.odds(weather.slow)) {
      delay += world.draw(1, weather.slowMs);
      world.count('message-delayed');
    }
    const last = this.lastArrival.get(link) ?? 0;
    let at = world.nowMs + delay;
    if (at < last) {
      if (weather.reorders) world.count('message-reordered');
      else at = last + 0.001;
    }
    this.lastArrival.set(link, Math.max(at, last));
    const { epoch } = to;
    world.after(at - world.nowMs, () => this.arrives(link, what, to, epoch, arrive));
  }

  private arrives(link: string, what: string, to: SimBus, epoch: number, arrive: Carried): void {
    if (to.epoch !== epoch || !to.attached) return this.world.count('message-lost-in-reconnect');
    this.world.note(`${link} ${what}`);
    arrive(undefined);
  }
}

export class SimBus implements Bus {
  readonly process: Process;
  readonly subscribers = new Set<Subscriber>();
  /** Counts connections: what was on its way to an older one is lost. */
  epoch = 0;
  /** The server holds a connection of this process. */
  attached = true;
  private readonly network: SimNetwork;
  private readonly statusHandlers = new Set<(status: BusStatus) => void>();
  private closed = false;

  constructor(network: SimNetwork, process: Process) {
    this.network = network;
    this.process = process;
  }

  get instance(): string {
    return this.process.name;
  }

  get connected(): boolean {
    return this.attached && !this.closed && this.process.alive;
  }

  publish(subject: string, data: unknown): void {
    if (!this.process.touch('bus')) return;
    this.network.onPublish(this.instance, subject, data);
    const bytes = encode(data);
    if (bytes.length > LIMITS.busPayloadBytes)
      throw new BusError('too-large', `${bytes.length} bytes to ${subject}: at most ${LIMITS.busPayloadBytes}`);
    if (this.connected) this.network.publish(this, subject, bytes);
    else this.network.world.count('message-dropped-while-disconnected');
  }

  subscribe(subject: string, handler: (message: BusMessage) => void, options: { queue?: string } = {}): Subscription {
    const subscriber: Subscriber = {
      connection: this,
      pattern: subject.split('.'),
      queue: options.queue,
      deliver: (to, bytes, respond) => {
        if (!this.subscribers.has(subscriber)) return;
        try {
          handler({ subject: to, data: decode(bytes), respond });
        } catch (error) {
          // The real bus only logs it; here it is a bug.
          this.network.world.fail(error);
        }
      },
    };
    this.subscribers.add(subscriber);
    return { unsubscribe: () => this.subscribers.delete(subscriber) };
  }

  request(subject: string, data: unknown, { timeoutMs }: { timeoutMs: number }): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.process.touch('bus')) return;
      if (!this.connected) return reject(new BusError('disconnected', `request to ${subject}: not connected`));
      this.network.onPublish(this.instance, subject, data);
      const timer = this.process.clock.timer(timeoutMs, () =>
        reject(new BusError('timeout', `request to ${subject}: no answer in ${timeoutMs} ms`)),
      );
      const answered = (value: unknown): void => {
        timer.cancel();
        resolve(value);
      };
      const found = this.network.publish(this, subject, encode(data), answered);
      if (found > 0) return;
      this.network.world.count('no-responders');
      this.network.carry(this, this, `no responders ${subject}`, (lost) => {
        if (lost === 'lost') return;
        this.receive(() => {
          timer.cancel();
          reject(new BusError('no-responders', `request to ${subject}: nobody answers there`));
        });
      });
    });
  }

  onStatus(handler: (status: BusStatus) => void): Subscription {
    this.statusHandlers.add(handler);
    return { unsubscribe: () => this.statusHandlers.delete(handler) };
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.drop();
    return Promise.resolve();
  }

  /** The connection ends; a new one takes its place after `outageMs`. */
  lose(outageMs: number): void {
    if (!this.attached || this.closed) return;
    const { world } = this.network;
    this.attached = false;
    this.epoch++;
    this.tell('disconnected');
    world.after(outageMs, () => {
      if (this.closed || !this.process.alive) return;
      this.attached = true;
      this.tell('connected');
    });
  }

  drop(): void {
    this.attached = false;
    this.epoch++;
    this.subscribers.clear();
  }

  receive(run: () => void): void {
    if (this.process.isPaused && this.process.waiting > this.network.pendingLimit) {
      this.network.world.count('slow-consumer-cut');
      return this.lose(this.network.world.draw(50, 2_000));
    }
    this.process.enter(run);
  }

  private tell(status: BusStatus): void {
    this.process.enter(() => {
      for (const handler of this.statusHandlers) handler(status);
    });
  }
}
