// Does: runs the seeds that it is given, in a thread of its own, and tells what they counted and which failed. Never decides
// which seeds are run.
import { parentPort } from 'node:worker_threads';
import { simulate } from './store-sim.ts';
import type { SeedResult, SeedTask } from './seed-pool.ts';
import type { Counts } from './world.ts';

async function run({ id, runs }: SeedTask): Promise<SeedResult> {
  const counts: Counts = {};
  const failures: string[] = [];
  for (const { seed, members } of runs) {
    try {
      for (const [name, times] of Object.entries((await simulate({ seed, members })).counts))
        counts[name] = (counts[name] ?? 0) + times;
    } catch (error) {
      failures.push(
        `${(error as Error).message}\n  replay: npm run sim -- --seed ${seed} --members ${members} --stack --trace`,
      );
    }
  }
  return { id, counts, failures };
}

// Refused requests are errors by the thousand here: nobody reads where each was made.
Error.stackTraceLimit = 4;
parentPort!.on('message', (task: SeedTask) => {
  void run(task).then((result) => parentPort!.postMessage(result));
});
