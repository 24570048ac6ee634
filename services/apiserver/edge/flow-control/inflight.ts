// Does: remembers the most requests of one kind that were served at once in the last second. Never knows which.

const SECOND = 1000;

export class Inflight {
  #now = 0;
  #peak = 0;
  #before = 0;
  #second = 0;

  enter(now: number): void {
    this.#turn(now);
    if (++this.#now > this.#peak) this.#peak = this.#now;
  }

  leave(now: number): void {
    this.#turn(now);
    this.#now--;
  }

  /** Of this second so far and the one before. */
  peak(now: number): number {
    this.#turn(now);
    return Math.max(this.#peak, this.#before);
  }

  #turn(now: number): void {
    const second = Math.floor(now / SECOND);
    if (second === this.#second) return;
    this.#before = second === this.#second + 1 ? this.#peak : this.#now;
    this.#peak = this.#now;
    this.#second = second;
  }
}
