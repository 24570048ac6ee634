// Decides nothing: the shape of the bus as actors see it. Two carriers implement it (nats.ts, memory.ts); nothing here
// promises that a message arrives.

export interface BusMessage {
  readonly subject: string;
  /** Decoded msgpack: plain objects, arrays, numbers, strings, Uint8Array. Never trusted. */
  readonly data: unknown;
  /** Present when the sender waits for an answer. Answers at most once. */
  readonly respond: ((data: unknown) => void) | undefined;
}

export interface Subscription {
  unsubscribe(): void;
}

export type BusStatus = 'connected' | 'disconnected';

export interface Bus {
  /** The credential's name: `store-1`, `kubelet-node-2`. */
  readonly instance: string;
  readonly connected: boolean;
  /** At most once; dropped silently while disconnected. */
  publish(subject: string, data: unknown): void;
  /** Handlers run synchronously, one message at a time; a handler that throws is logged, not fatal. */
  subscribe(subject: string, handler: (message: BusMessage) => void, options?: { queue?: string }): Subscription;
  /** Rejects with BusError; resolves with the decoded answer, whatever it says. */
  request(subject: string, data: unknown, options: { timeoutMs: number }): Promise<unknown>;
  /** Called on every change; a reconnect may have lost messages in between: readers must look for gaps. */
  onStatus(handler: (status: BusStatus) => void): Subscription;
  /** Resolves when the bus has taken, and passed on, what was published before; rejects when the connection ends first. */
  flush(): Promise<void>;
  /**
   * Another way to the same bus, with an order of its own: what must be passed on to many there holds up nothing here. Ends with
   * this one.
   */
  lane(): Promise<Bus>;
  close(): Promise<void>;
}

export class BusError extends Error {
  readonly kind: 'no-responders' | 'timeout' | 'disconnected' | 'too-large' | 'denied';

  constructor(kind: BusError['kind'], message: string) {
    super(message);
    this.name = 'BusError';
    this.kind = kind;
  }
}
