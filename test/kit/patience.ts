// Decides when a wait has lasted too long: time in which this process ran, as far as that can be told. Never counts the whole of a
// pause in which the machine stood still: whoever is waited for stood still as well.

/** One round of asking that took longer than this was mostly no asking. */
const ROUND_MS = 10_000;

/** To be called once a round: false when `limitMs` are over. */
export function patience(limitMs: number): () => boolean {
  let [spentMs, last] = [0, performance.now()];
  return () => {
    const now = performance.now();
    spentMs += Math.min(now - last, ROUND_MS);
    last = now;
    return spentMs < limitMs;
  };
}
