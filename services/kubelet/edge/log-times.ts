// Does: notes when the log files of running containers grew, because the runtime writes bytes without times; turns a
// place in a file into a time. Exact to half a second; what was written while no kubelet ran has the time of its return.
import { appendFile, readFile, stat } from 'node:fs/promises';
import type { Clock, Timer } from '../../../lib/base/clock.ts';

const TICK_MS = 500;

export class LogTimes {
  readonly #clock: Clock;
  readonly #running: () => string[];
  readonly #sizes = new Map<string, number>();
  #timer: Timer | undefined;
  #isStopped = false;

  /** `running`: paths of the logs that may grow. */
  constructor(clock: Clock, running: () => string[]) {
    this.#clock = clock;
    this.#running = running;
  }

  start(): void {
    void this.#tick();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #tick(): Promise<void> {
    const paths = this.#running();
    await Promise.all(paths.map((path) => this.#note(path).catch(() => {})));
    for (const path of this.#sizes.keys()) if (!paths.includes(path)) this.#sizes.delete(path);
    if (!this.#isStopped) this.#timer = this.#clock.timer(TICK_MS, () => void this.#tick());
  }

  async #note(path: string): Promise<void> {
    const size = (await stat(path)).size;
    const before = this.#sizes.get(path) ?? (await timesOf(path)).at(-1)?.end ?? 0;
    if (size > before) await appendFile(`${path}.times`, `${size} ${this.#clock.now()}\n`);
    this.#sizes.set(path, size);
  }
}

/** Everything before `end` that no earlier entry covers was written by `atMs`. */
export interface LogTime {
  end: number;
  atMs: number;
}

export async function timesOf(path: string): Promise<LogTime[]> {
  const text = await readFile(`${path}.times`, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [end, atMs] = line.split(' ');
      return { end: Number(end), atMs: Number(atMs) };
    });
}

/** When the byte at `offset` was written. */
export function timeAt(times: readonly LogTime[], offset: number, now: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return times[low]?.atMs ?? now;
}
