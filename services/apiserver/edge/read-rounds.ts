// Decides when readers ask the store together how new the cache must be: one question for all who came before it left. Never
// lets a reader share a question that had left before it came: a write may have been acknowledged in between.
import type { Clock, Timer } from '../../../lib/base/clock.ts';

/** Longest that a question waits for as many readers as shared the last one. */
const GATHER_MS = 1;

interface Round<Answer> {
  readers: number;
  leave: () => void;
  answer: Promise<Answer>;
}

/**
 * A question costs every member of the store some work, and its answer wakes this process: when all who were answered together
 * ask again, as busy clients do, they should be together again. So a question waits until as many readers want it as shared
 * the last one, but not longer than a millisecond; a reader who comes alone again and again never waits.
 */
export class ReadRounds<Answer> {
  readonly #clock: Clock;
  readonly #ask: () => Promise<Answer>;
  #gathering: Round<Answer> | undefined;
  #underWay = 0;
  #last = 1;

  /** `ask` resolves when the cache is new enough for everybody who wanted that before it was called, or says why it is not. */
  constructor(clock: Clock, ask: () => Promise<Answer>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** The same promise for all of a round. */
  join(): Promise<Answer> {
    const round = (this.#gathering ??= this.#open());
    round.readers++;
    if (round.readers >= this.#last && this.#underWay === 0) round.leave();
    return round.answer;
  }

  #open(): Round<Answer> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#last === 1 ? undefined : this.#clock.timer(GATHER_MS, () => this.#underWay === 0 && resolve());
    const answer = promise.then(() => this.#carryOut(round, timer));
    const round: Round<Answer> = { readers: 0, leave: resolve, answer };
    return round;
  }

  async #carryOut(round: Round<Answer>, timer: Timer | undefined): Promise<Answer> {
    timer?.cancel();
    // Those who are read in the same turn of the event loop are still taken along.
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#gathering = undefined;
    this.#last = round.readers;
    this.#underWay++;
    try {
      return await this.#ask();
    } finally {
      this.#underWay--;
      this.#goOn();
    }
  }

  /** Those who came meanwhile have waited long enough, or go on gathering for a moment. */
  #goOn(): void {
    const next = this.#gathering;
    if (next === undefined || this.#underWay > 0) return;
    if (next.readers >= this.#last) next.leave();
    else this.#clock.timer(GATHER_MS, next.leave);
  }
}
