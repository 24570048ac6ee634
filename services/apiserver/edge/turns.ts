// Decides whose turn it is to write an object: one request after the other, so that concurrent patches through this API
// actor wait for each other instead of colliding in the store. Never a lock: other API actors still compete by revision.

export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` after all that came before it for this key; `release` ends its turn. */
  async take<T>(key: string, work: (release: (after: Promise<unknown>) => void) => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    let isReleased = false;
    const release = (after: Promise<unknown> = Promise.resolve()): void => {
      if (isReleased) return;
      isReleased = true;
      void after
        .catch(() => {})
        .then(() => {
          if (this.#last.get(key) === promise) this.#last.delete(key);
          resolve();
        });
    };
    try {
      await before;
      return await work(release);
    } finally {
      release();
    }
  }
}
