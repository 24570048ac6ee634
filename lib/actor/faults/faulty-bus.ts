// Does: puts the ordered faults between an actor and its bus. Without a rule a message costs one look more. Never
// decides what becomes of a message (fate.ts does).
import type { Chance } from '../../base/chance.ts';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { BusError, type Bus, type BusMessage, type BusStatus, type Subscription } from '../../bus/bus.ts';
import { decode, encode, Encoded } from '../../bus/codec.ts';
import type { MessageRule } from '../../bus/messages.ts';
import { fateOf, type Fate, type SeenMessage } from './fate.ts';
import type { InnerFaultsDesk } from './inner-faults.ts';

export interface FaultyBusParts {
  desk: InnerFaultsDesk;
  /** The true one. */
  clock: Clock;
  chance: Chance;
  log: Log;
}

export class FaultyBus implements Bus {
  readonly #bus: Bus;
  readonly #parts: FaultyBusParts;

  constructor(bus: Bus, parts: FaultyBusParts) {
    this.#bus = bus;
    this.#parts = parts;
  }

  get instance(): string {
    return this.#bus.instance;
  }

  get connected(): boolean {
    return this.#bus.connected;
  }

  publish(subject: string, data: unknown): void {
    const { rules } = this.#parts.desk.now;
    if (rules === undefined) return this.#bus.publish(subject, data);
    const seen = data instanceof Encoded ? decode(data.bytes) : data;
    const fate = this.#fate(rules, { subject, direction: 'out', isAnswer: false, data: seen });
    const said = asItIsNow(fate, data);
    this.#carry(fate, subject, () => this.#bus.publish(subject, said));
  }

  subscribe(subject: string, handler: (message: BusMessage) => void, options: { queue?: string } = {}): Subscription {
    let listening = true;
    const receive = (message: BusMessage): void => {
      const { rules } = this.#parts.desk.now;
      if (rules === undefined) return handler(message);
      const fate = this.#fate(rules, {
        subject: message.subject,
        direction: 'in',
        isAnswer: false,
        data: message.data,
      });
      const heard = this.#withAnswer(message);
      this.#carry(fate, message.subject, () => {
        if (listening) handler(heard);
      });
    };
    const subscription = this.#bus.subscribe(subject, receive, options);
    return {
      unsubscribe() {
        listening = false;
        subscription.unsubscribe();
      },
    };
  }

  request(subject: string, data: unknown, options: { timeoutMs: number }): Promise<unknown> {
    const { rules } = this.#parts.desk.now;
    if (rules === undefined) return this.#bus.request(subject, data, options);
    return this.#ask(rules, subject, data, options.timeoutMs);
  }

  onStatus(handler: (status: BusStatus) => void): Subscription {
    return this.#bus.onStatus(handler);
  }

  flush(): Promise<void> {
    return this.#bus.flush();
  }

  async lane(): Promise<Bus> {
    return new FaultyBus(await this.#bus.lane(), this.#parts);
  }

  close(): Promise<void> {
    return this.#bus.close();
  }

  /** A lost question, or a lost answer, is a time-out to who asked, and nothing else. */
  #ask(rules: readonly MessageRule[], subject: string, data: unknown, timeoutMs: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const late = this.#parts.clock.timer(timeoutMs, () =>
      reject(new BusError('timeout', `request to ${subject}: no answer in ${timeoutMs} ms`)),
    );
    const settle = (act: () => void) => (): void => {
      late.cancel();
      act();
    };
    const answered = (answer: unknown): void => {
      const fate = this.#fateNow({ subject, direction: 'in', isAnswer: true, data: answer });
      this.#carry(
        fate,
        subject,
        settle(() => resolve(answer)),
      );
    };
    const fate = this.#fate(rules, { subject, direction: 'out', isAnswer: false, data });
    const said = asItIsNow(fate, data);
    this.#carry(fate, subject, () => {
      this.#bus
        .request(subject, said, { timeoutMs })
        .then(answered, (error: unknown) => settle(() => reject(error as Error))());
    });
    return promise;
  }

  #withAnswer(message: BusMessage): BusMessage {
    const { subject, data, respond } = message;
    if (respond === undefined) return message;
    return {
      subject,
      data,
      respond: (answer) => {
        const fate = this.#fateNow({ subject, direction: 'out', isAnswer: true, data: answer });
        const said = asItIsNow(fate, answer);
        this.#carry(fate, subject, () => respond(said));
      },
    };
  }

  #fateNow(message: SeenMessage): Fate {
    return this.#fate(this.#parts.desk.now.rules ?? [], message);
  }

  #fate(rules: readonly MessageRule[], message: SeenMessage): Fate {
    return fateOf(rules, message, this.#parts.chance);
  }

  #carry(fate: Fate, subject: string, go: () => void): void {
    for (const ms of fate) {
      if (ms === 0) go();
      else this.#parts.clock.timer(ms, () => this.#goLate(subject, go));
    }
  }

  /** Nobody above a timer would catch it. */
  #goLate(subject: string, go: () => void): void {
    try {
      go();
    } catch (error) {
      this.#parts.log.warn({ subject, error: messageOf(error) }, 'a delayed message was not handled');
    }
  }
}

/** What leaves later must not have changed meanwhile. */
function asItIsNow(fate: Fate, data: unknown): unknown {
  return fate.some((ms) => ms > 0) ? decode(encode(data)) : data;
}
