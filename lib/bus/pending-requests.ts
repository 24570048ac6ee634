// Decides which answer belongs to which request, and which requests have waited too long. Never sends one: its carrier does.
// nats.js has this too, at the price of an error with a stack, two promises and a timer for each request, and a race of them.
import { BusError } from './bus.ts';

interface Pending {
  subject: string;
  timeoutMs: number;
  /** Milliseconds, monotonic. */
  deadline: number;
  resolve(data: unknown): void;
  reject(error: BusError): void;
}

export class PendingRequests {
  readonly #byToken = new Map<string, Pending>();
  readonly #now: () => number;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer ends; Infinity: there is none. */
  #due = Infinity;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The token of the answer's subject, given to `send`, which may throw. */
  add(subject: string, timeoutMs: number, send: (token: string) => void): Promise<unknown> {
    const token = (++this.#last).toString(36);
    return new Promise((resolve, reject) => {
      const deadline = this.#now() + timeoutMs;
      this.#byToken.set(token, { subject, timeoutMs, deadline, resolve, reject });
      try {
        send(token);
      } catch (error) {
        this.#byToken.delete(token);
        throw error;
      }
      if (deadline < this.#due) this.#arm(deadline);
    });
  }

  /** The first answer counts; one that comes too late, or to nobody, is none. */
  answered(token: string, data: () => unknown): void {
    const pending = this.#take(token);
    if (pending === undefined) return;
    try {
      pending.resolve(data());
    } catch (error) {
      pending.reject(
        new BusError('disconnected', `request to ${pending.subject}: the answer is no message: ${String(error)}`),
      );
    }
  }

  unheard(token: string): void {
    const pending = this.#take(token);
    pending?.reject(new BusError('no-responders', `request to ${pending.subject}: nobody answers there`));
  }

  /** The server does not say of which message; all that are under way to that subject were alike. */
  denied(subject: string): void {
    for (const [token, pending] of this.#byToken)
      if (pending.subject === subject) {
        this.#byToken.delete(token);
        pending.reject(new BusError('denied', `request to ${subject}: this credential may not`));
      }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#due = Infinity;
    for (const { subject, reject } of this.#byToken.values())
      reject(new BusError('disconnected', `request to ${subject}: the bus was closed`));
    this.#byToken.clear();
  }

  #take(token: string): Pending | undefined {
    const pending = this.#byToken.get(token);
    this.#byToken.delete(token);
    return pending;
  }

  /** One timer for all: nearly every request is answered long before, and what is left is looked through when it ends. */
  #arm(due: number): void {
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, Math.ceil(due - this.#now())));
  }

  #expire(): void {
    const now = this.#now();
    let next = Infinity;
    for (const [token, pending] of this.#byToken) {
      const { subject, timeoutMs, deadline } = pending;
      if (deadline > now) next = Math.min(next, deadline);
      else {
        this.#byToken.delete(token);
        pending.reject(new BusError('timeout', `request to ${subject}: no answer in ${timeoutMs} ms`));
      }
    }
    this.#due = Infinity;
    if (next < Infinity) this.#arm(next);
  }
}
