// Decides when readers ask the store together how new the cache must be: one question for all who came before it left. Never
// lets a reader share a question that had left before it came: a write may have been acknowledged in between.
import type { Clock, Timer } from '../../../lib/base/clock.ts';

/** Longest that a question waits for as many readers as shared the last one. */
const GATHER_MS = 1;
/** Longer than any answer of a leader that lives: one that does not may not hold up those who would ask another. */
const TURN_MS = 100;

interface Round<Answer> {
  readers: number;
  /** What the first of them said. */
  readonly timeoutMs: number;
  readonly answer: Promise<Answer>;
  readonly resolve: (answer: Promise<Answer>) => void;
  gathers: Timer | undefined;
  isLeaving: boolean;
}

/**
 * A question costs every member of the store some work, and its answer wakes this process: when all who were answered together
 * ask again, as busy clients do, they should be together again. So a question waits for the answer of the one before, and then
 * until as many readers want it as shared that one, but not longer than a millisecond; a reader who comes alone again and again
 * never waits. Two questions at once were tried: each has half of the readers, and both together cost twice as much.
 */
export class ReadRounds<Answer> {
  readonly #clock: Clock;
  readonly #ask: (timeoutMs: number) => Promise<Answer>;
  #gathering: Round<Answer> | undefined;
  #underWay: Round<Answer> | undefined;
  #last = 1;

  /** `ask` may answer whoever wanted to know before it was called. */
  constructor(clock: Clock, ask: (timeoutMs: number) => Promise<Answer>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** The same promise for all of a round. */
  join(timeoutMs: number): Promise<Answer> {
    const round = (this.#gathering ??= newRound(timeoutMs));
    round.readers++;
    if (this.#underWay === undefined) this.#gather(round);
    return round.answer;
  }

  #gather(round: Round<Answer>): void {
    if (round.readers >= this.#last) this.#leaveSoon(round);
    else round.gathers ??= this.#clock.timer(GATHER_MS, () => this.#leaveSoon(round));
  }

  /** Those who are read in the same turn of the event loop are still taken along. */
  #leaveSoon(round: Round<Answer>): void {
    round.gathers?.cancel();
    if (round.isLeaving) return;
    round.isLeaving = true;
    setImmediate(() => this.#leave(round));
  }

  #leave(round: Round<Answer>): void {
    this.#gathering = undefined;
    this.#underWay = round;
    this.#last = round.readers;
    const turn = this.#clock.timer(TURN_MS, () => this.#goOn(round));
    const answered = (): void => {
      turn.cancel();
      this.#goOn(round);
    };
    const asked = this.#ask(round.timeoutMs);
    round.resolve(asked);
    asked.then(answered, answered);
  }

  /** Those who came meanwhile have waited long enough, or go on gathering for a moment. */
  #goOn(after: Round<Answer>): void {
    if (this.#underWay !== after) return;
    this.#underWay = undefined;
    if (this.#gathering !== undefined) this.#gather(this.#gathering);
  }
}

function newRound<Answer>(timeoutMs: number): Round<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  return { readers: 0, timeoutMs, answer: promise, resolve, gathers: undefined, isLeaving: false };
}
