// Does: waits as long as a fault is to stay and shows how long that still is. Never heals anything.
import { humanDuration } from '../../lib/api/age.ts';

const TICK_MS = 1000;

/**
 * Resolves when the time is over (0: never), the signal says so, or nothing is broken any more. On a terminal one line counts
 * down in its place.
 */
export function countDown(forMs: number, end: AbortSignal, isBroken: () => boolean): Promise<void> {
  const until = performance.now() + forMs;
  const lives = process.stdout.isTTY;
  const text = (): string =>
    forMs === 0
      ? 'broken until Ctrl-C'
      : `heals in ${humanDuration(Math.max(0, Math.ceil((until - performance.now()) / 1000) * 1000))} (Ctrl-C: now)`;
  const show = (): void => void process.stdout.write(lives ? `\r\u001B[K${text()}` : `${text()}\n`);
  return new Promise((resolve) => {
    const ticks = setInterval(() => {
      if (!isBroken()) finish();
      else if (lives) show();
    }, TICK_MS);
    const over = forMs === 0 ? undefined : setTimeout(finish, forMs);
    end.addEventListener('abort', finish, { once: true });
    function finish(): void {
      clearInterval(ticks);
      clearTimeout(over);
      end.removeEventListener('abort', finish);
      if (lives) process.stdout.write('\r\u001B[K');
      resolve();
    }
    if (end.aborted) finish();
    else show();
  });
}
