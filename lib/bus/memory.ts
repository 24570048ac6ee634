// Does: carries messages between actors of one process, in order, each encoded and decoded as on the wire, delivered on
// a later turn. Never loses a message by itself: `filter` is where a test or a simulator takes, delays or repeats one.
import { BusError, type Bus, type BusMessage, type BusStatus, type Subscription } from './bus.ts';
import { decode, encode } from './codec.ts';
import type { Permissions } from './subjects.ts';

interface Subscriber {
  pattern: string[];
  queue: string | undefined;
  deliver: (subject: string, bytes: Uint8Array, reply: ((data: unknown) => void) | undefined) => void;
}

export interface MemoryNetworkOptions {
  /** false: the message is lost. */
  filter?: (from: string, subject: string) => boolean;
}

/** One bus for many actors: `connect('store-1')` gives each its own end. */
export class MemoryNetwork {
  readonly #subscribers = new Set<Subscriber>();
  readonly #cut = new Set<string>();
  #turn = 0;
  filter: (from: string, subject: string) => boolean;

  constructor(options: MemoryNetworkOptions = {}) {
    this.filter = options.filter ?? (() => true);
  }

  /** With permissions, a forbidden publish or subscription throws, as nats-server would refuse it. */
  connect(instance: string, permissions?: Permissions): Bus {
    return new MemoryBus(this, instance, permissions);
  }

  /** Cuts an instance off (both ways) until `join`. */
  cut(instance: string): void {
    this.#cut.add(instance);
  }

  join(instance: string): void {
    this.#cut.delete(instance);
  }

  isCut(instance: string): boolean {
    return this.#cut.has(instance);
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** Returns how many subscribers will get it. */
  send(from: string, subject: string, bytes: Uint8Array, reply: ((data: unknown) => void) | undefined): number {
    if (this.isCut(from) || !this.filter(from, subject)) return 0;
    const tokens = subject.split('.');
    const matching = [...this.#subscribers].filter((s) => matches(s.pattern, tokens));
    const chosen = matching.filter((s) => s.queue === undefined);
    const queues = new Map<string, Subscriber[]>();
    for (const s of matching) if (s.queue !== undefined) queues.set(s.queue, [...(queues.get(s.queue) ?? []), s]);
    for (const members of queues.values()) chosen.push(members[this.#turn++ % members.length]!);
    for (const s of chosen) setImmediate(() => s.deliver(subject, bytes, reply));
    return chosen.length;
  }
}

class MemoryBus implements Bus {
  readonly instance: string;
  readonly #network: MemoryNetwork;
  readonly #permissions: Permissions | undefined;
  readonly #own = new Set<Subscriber>();
  #closed = false;

  constructor(network: MemoryNetwork, instance: string, permissions: Permissions | undefined) {
    this.#network = network;
    this.instance = instance;
    this.#permissions = permissions;
  }

  get connected(): boolean {
    return !this.#closed && !this.#network.isCut(this.instance);
  }

  publish(subject: string, data: unknown): void {
    this.#check('publish', subject);
    if (this.connected) this.#network.send(this.instance, subject, encode(data), undefined);
  }

  subscribe(subject: string, handler: (message: BusMessage) => void, options: { queue?: string } = {}): Subscription {
    this.#check('subscribe', subject);
    const subscriber: Subscriber = {
      pattern: subject.split('.'),
      queue: options.queue,
      deliver: (to, bytes, respond) => {
        if (this.connected && this.#own.has(subscriber)) handler({ subject: to, data: decode(bytes), respond });
      },
    };
    this.#own.add(subscriber);
    this.#network.add(subscriber);
    return { unsubscribe: () => this.#drop(subscriber) };
  }

  request(subject: string, data: unknown, options: { timeoutMs: number }): Promise<unknown> {
    this.#check('publish', subject);
    return new Promise((resolve, reject) => {
      if (!this.connected)
        return reject(new BusError('disconnected', `request to ${subject}: the bus is not connected`));
      const timer = setTimeout(
        () => reject(new BusError('timeout', `request to ${subject}: no answer in ${options.timeoutMs} ms`)),
        options.timeoutMs,
      );
      const answer = (value: unknown): void => {
        const bytes = encode(value);
        setImmediate(() => {
          if (!this.connected) return;
          clearTimeout(timer);
          resolve(decode(bytes));
        });
      };
      if (this.#network.send(this.instance, subject, encode(data), answer) === 0) {
        clearTimeout(timer);
        reject(new BusError('no-responders', `request to ${subject}: nobody answers there`));
      }
    });
  }

  onStatus(_handler: (status: BusStatus) => void): Subscription {
    return { unsubscribe() {} };
  }

  flush(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  lane(): Promise<Bus> {
    return Promise.resolve(this);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const subscriber of this.#own) this.#drop(subscriber);
    return Promise.resolve();
  }

  #drop(subscriber: Subscriber): void {
    this.#own.delete(subscriber);
    this.#network.remove(subscriber);
  }

  #check(side: keyof Permissions, subject: string): void {
    if (this.#permissions === undefined) return;
    const tokens = subject.split('.');
    if (!this.#permissions[side].some((pattern) => matches(pattern.split('.'), tokens)))
      throw new BusError('denied', `${this.instance} may not ${side} ${subject}`);
  }
}

/** NATS' rule: `*` is one token, a last `>` is one or more. */
export function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (const [i, part] of pattern.entries()) {
    if (part === '>') return tokens.length > i;
    if (i >= tokens.length || (part !== '*' && part !== tokens[i])) return false;
  }
  return pattern.length === tokens.length;
}
