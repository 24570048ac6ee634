// Does: measures what this node's containers use, when somebody asks: two readings a while apart. Never measures by itself.
import { sleep, type Clock } from '../../../lib/base/clock.ts';
import type { ContainerUsage, NodeUsage } from '../../../lib/bus/messages.ts';
import type { ContainerState, RuntimeShim } from '../../../runtime-shims/contract.ts';

/** Between two readings, unless the last one was a while ago: processor time is told in ticks of 10 ms. */
const WINDOW_MS = 1_000;
/** An older reading says what was, not what is. */
const OLDEST_MS = 60_000;

interface Reading {
  atMs: number;
  /** By container id. */
  cpuNanos: Map<string, number>;
}

export interface UsageTools {
  clock: Clock;
  shim: Pick<RuntimeShim, 'stats'>;
  running(): ContainerState[];
}

export class UsageMeter {
  readonly #tools: UsageTools;
  #before: Reading | undefined;
  #underWay: Promise<NodeUsage> | undefined;

  constructor(tools: UsageTools) {
    this.#tools = tools;
  }

  /** Whoever asks while it is measured gets the same. */
  measure(): Promise<NodeUsage> {
    this.#underWay ??= this.#measure().finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #measure(): Promise<NodeUsage> {
    const { clock } = this.#tools;
    const age = clock.monotonic() - (this.#before?.atMs ?? -Infinity);
    if (age > OLDEST_MS) this.#before = (await this.#read()).reading;
    if (age > OLDEST_MS || age < WINDOW_MS) await sleep(clock, WINDOW_MS);
    const before = this.#before!;
    const { reading, containers } = await this.#read();
    this.#before = reading;
    const windowMs = Math.max(1, reading.atMs - before.atMs);
    return {
      at: clock.now(),
      windowMs,
      containers: containers.map(({ container, memoryBytes }): ContainerUsage => {
        const was = before.cpuNanos.get(container.id);
        // One that began in between has used all of it since.
        const used = reading.cpuNanos.get(container.id)! - (was ?? 0);
        return {
          uid: container.pod.uid,
          name: container.name,
          cpuNanoSeconds: reading.cpuNanos.get(container.id)!,
          cpuNanoCores: Math.max(0, Math.round(used / (windowMs / 1000))),
          memoryBytes,
        };
      }),
    };
  }

  async #read(): Promise<{
    reading: Reading;
    containers: Array<{ container: ContainerState; memoryBytes: number }>;
  }> {
    const { clock, shim, running } = this.#tools;
    const cpuNanos = new Map<string, number>();
    const containers = await Promise.all(
      running().map(async (container) => {
        const stats = await shim.stats(container.id).catch(() => undefined);
        if (stats === undefined) return [];
        cpuNanos.set(container.id, stats.cpuUsageNanos);
        return [{ container, memoryBytes: stats.memoryWorkingSetBytes }];
      }),
    );
    return { reading: { atMs: clock.monotonic(), cpuNanos }, containers: containers.flat() };
  }
}
