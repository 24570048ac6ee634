// Decides what becomes of each message between simulated processes: carried late, twice, out of order, or not at all; and
// of their connections to a server that restarts and cuts slow readers. Never carries what a dead process says.
import { BusError, type Bus, type BusMessage, type BusStatus, type Subscription } from '../../lib/bus/bus.ts';
import { decode, encode, Encoded } from '../../lib/bus/codec.ts';
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
  /** Share of the questions for a leader that are answered with "nobody is there", wrongly or late. */
  falseAbsence: number;
  lateAbsence: number;
}

export const CALM: Weather = {
  loss: 0,
  doubled: 0,
  slow: 0,
  slowMs: 1,
  reorders: false,
  latencyMs: { min: 0.05, max: 0.4 },
  falseAbsence: 0,
  lateAbsence: 0,
};

interface Subscriber {
  connection: SimBus;
  pattern: string[];
  queue: string | undefined;
  deliver(subject: string, bytes: Uint8Array, respond: Respond): void;
}

type Respond = ((data: unknown) => void) | undefined;

/** All of `all`, and one of each of `groups`. */
interface Route {
  all: Subscriber[];
  groups: Subscriber[][];
}

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
  /** Who listens to a subject; empty again whenever somebody comes or goes. */
  private readonly routes = new Map<string, Route>();
  private turn = 0;

  constructor(world: World) {
    this.world = world;
  }

  connect(process: Process): SimBus {
    const bus = new SimBus(this, process);
    this.connections.add(bus);
    this.reroute();
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
      this.reroute();
    });
  }

  of(instance: string): SimBus | undefined {
    return [...this.connections].find((bus) => bus.instance === instance && bus.process.alive);
  }

  /** Subscriptions, or who is attached, have changed. */
  reroute(): void {
    this.routes.clear();
  }

  /** How many will get it, if nothing happens on the way. */
  publish(from: SimBus, subject: string, bytes: Uint8Array, answered?: (value: unknown) => void): number {
    const { all, groups } = this.routeOf(subject);
    for (const to of all) this.carryTo(from, to, subject, bytes, answered);
    for (const group of groups) this.carryTo(from, group[this.turn++ % group.length]!, subject, bytes, answered);
    return all.length + groups.length;
  }

  private carryTo(
    from: SimBus,
    to: Subscriber,
    subject: string,
    bytes: Uint8Array,
    answered: ((value: unknown) => void) | undefined,
  ): void {
    this.carry(from, to.connection, subject, (lost) => {
      if (lost === undefined)
        to.connection.receive(() => to.deliver(subject, bytes, this.responder(from, to, answered)));
    });
  }

  private routeOf(subject: string): Route {
    const known = this.routes.get(subject);
    if (known !== undefined) return known;
    const tokens = subject.split('.');
    const all: Subscriber[] = [];
    const queues = new Map<string, Subscriber[]>();
    for (const bus of this.connections) {
      if (!bus.attached) continue;
      for (const each of bus.subscribers) {
        if (!matches(each.pattern, tokens)) continue;
        if (each.queue === undefined) all.push(each);
        else queues.set(each.queue, [...(queues.get(each.queue) ?? []), each]);
      }
    }
    const route = { all, groups: [...queues.values()] };
    this.routes.set(subject, route);
    return route;
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
    const { epoch } = to;
    if (world.odds(0.3))
      world.after(world.draw(200, 6_000), () => {
        if (to.epoch !== epoch) world.count('message-doubled-after-reconnect');
        this.arrives(link, what, to, to.epoch, arrive);
      });
    else this.arriveLater(link, what, to, arrive);
  }

  /** Is somebody called absent who is there? */
  lies(): boolean {
    const isFalse = this.world.odds(this.weather.falseAbsence);
    if (isFalse) this.world.count('advisory-false');
    return isFalse;
  }

  /** That somebody is absent may be told late: perhaps he is back by then. */
  inTime(isPresence: boolean, tell: () => void): void {
    if (!isPresence || !this.world.odds(this.weather.lateAbsence)) return tell();
    this.world.count('advisory-late');
    this.world.after(this.world.draw(100, 3_000), tell);
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
    const bytes = this.process.isNewer ? this.encodeNewer(subject, data) : encode(data);
    this.network.onPublish(this.instance, subject, data instanceof Encoded ? decode(bytes) : data);
    if (bytes.length > LIMITS.busPayloadBytes)
      throw new BusError('too-large', `${bytes.length} bytes to ${subject}: at most ${LIMITS.busPayloadBytes}`);
    if (this.connected) this.network.publish(this, subject, bytes);
    else this.network.world.count('message-dropped-while-disconnected');
  }

  /** As a version of tomorrow says it to members of today: a higher number, and more behind what there is. */
  private encodeNewer(subject: string, data: unknown): Uint8Array {
    const plain = data instanceof Encoded ? decode(data.bytes) : data;
    if (!Array.isArray(plain) || subject.split('.')[1] !== 'raft') return encode(data);
    this.network.world.count('message-of-newer-version');
    const [version, ...fields] = plain as [number, ...unknown[]];
    return encode([version + 1, ...fields, 'what a later version adds', { to: 'the end' }]);
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
    this.network.reroute();
    return {
      unsubscribe: () => {
        this.subscribers.delete(subscriber);
        this.network.reroute();
      },
    };
  }

  request(subject: string, data: unknown, { timeoutMs }: { timeoutMs: number }): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.process.touch('bus')) return;
      if (!this.connected) return reject(new BusError('disconnected', `request to ${subject}: not connected`));
      const bytes = encode(data);
      if (bytes.length > LIMITS.busPayloadBytes)
        return reject(new BusError('too-large', `request to ${subject}: ${bytes.length} bytes are too many`));
      this.network.onPublish(this.instance, subject, data);
      const timer = this.process.clock.timer(timeoutMs, () =>
        reject(new BusError('timeout', `request to ${subject}: no answer in ${timeoutMs} ms`)),
      );
      const answered = (value: unknown): void => {
        timer.cancel();
        resolve(value);
      };
      const isPresence = subject.endsWith('.presence');
      const isFalse = isPresence && this.network.lies();
      const found = isFalse ? 0 : this.network.publish(this, subject, bytes, answered);
      if (found > 0) return;
      this.network.world.count('no-responders');
      const nobody = (): void =>
        this.receive(() => {
          timer.cancel();
          reject(new BusError('no-responders', `request to ${subject}: nobody answers there`));
        });
      this.network.carry(this, this, `no responders ${subject}`, (lost) => {
        if (lost === undefined) this.network.inTime(isPresence, nobody);
      });
    });
  }

  onStatus(handler: (status: BusStatus) => void): Subscription {
    this.statusHandlers.add(handler);
    return { unsubscribe: () => this.statusHandlers.delete(handler) };
  }

  lane(): Promise<Bus> {
    return Promise.resolve(this);
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
    this.detach();
    this.tell('disconnected');
    world.after(outageMs, () => {
      if (this.closed || !this.process.alive) return;
      this.attached = true;
      this.network.reroute();
      this.tell('connected');
    });
  }

  drop(): void {
    this.detach();
    this.subscribers.clear();
  }

  private detach(): void {
    this.attached = false;
    this.epoch++;
    this.network.reroute();
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
