// Decides after how many seconds refused clients of one level should come again: more while many are refused, fewer again
// when few are. Never refuses anyone.

const MOST_SECONDS = 32;

export class RetryAfter {
  seconds = 1;
  #raisedAt = Number.NEGATIVE_INFINITY;
  #second = Number.NEGATIVE_INFINITY;
  #count = 0;
  #past: Array<{ second: number; count: number }> = [];

  /** One more was refused at this second. */
  refused(second: number): number {
    if (second === this.#second) {
      this.#count++;
      return this.seconds;
    }
    this.#past.push({ second: this.#second, count: this.#count });
    this.#past = this.#past.filter((past) => second - past.second <= Math.min(MOST_SECONDS, 2 * this.seconds));
    this.#second = second;
    this.#count = 1;
    this.#adjust(second);
    return this.seconds;
  }

  #adjust(second: number): void {
    const recent = this.#past
      .filter((past) => second - past.second <= this.seconds)
      .reduce((sum, past) => sum + past.count, 0);
    if (second - this.#raisedAt >= this.seconds && recent >= 3 * this.seconds) {
      this.seconds = Math.min(MOST_SECONDS, 2 * this.seconds);
      this.#raisedAt = second;
    } else if (recent < this.seconds && this.seconds > 1) this.seconds--;
  }
}
