// Decides which thread runs which seeds: as many threads as there are cores, two at most, each with its share. Never looks at
// what they find.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Counts } from './world.ts';

export interface SeedRun {
  seed: number;
  members: number;
}

export interface SeedTask {
  id: number;
  runs: SeedRun[];
}

export interface SeedResult {
  id: number;
  counts: Counts;
  /** One text for each seed that failed. */
  failures: string[];
}

interface Waiting {
  task: SeedTask;
  resolve: (result: SeedResult) => void;
  reject: (error: Error) => void;
}

/** Of the young generation: a run makes much garbage and keeps little. */
const YOUNG_MB = 64;

export class SeedPool {
  private readonly workers: Worker[] = [];
  private readonly queue: Waiting[] = [];
  private readonly under = new Map<Worker, Waiting>();
  private nextId = 1;

  constructor() {
    for (let left = Math.min(2, availableParallelism()); left > 0; left--) this.add();
  }

  /** In the order of asking, as soon as a thread is free. */
  run(runs: SeedRun[]): Promise<SeedResult> {
    return new Promise((resolve, reject) => {
      this.queue.push({ task: { id: this.nextId++, runs }, resolve, reject });
      for (const worker of this.workers) this.giveWork(worker);
    });
  }

  async close(): Promise<void> {
    for (const { reject } of this.queue.splice(0)) reject(new Error('the seeds are not wanted any more'));
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private add(): void {
    const worker = new Worker(new URL('seed-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.workers.push(worker);
    worker.on('message', (result: SeedResult) => {
      const waiting = this.under.get(worker);
      this.under.delete(worker);
      waiting?.resolve(result);
      this.giveWork(worker);
    });
    worker.on('error', (error: unknown) => this.under.get(worker)?.reject(error as Error));
  }

  private giveWork(worker: Worker): void {
    if (this.under.has(worker)) return;
    const next = this.queue.shift();
    if (next === undefined) return;
    this.under.set(worker, next);
    worker.postMessage(next.task);
  }
}
