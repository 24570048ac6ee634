// Does: outlives the process that broke a cluster, and heals what it leaves broken; then ends. Never heals what a living
// process still wants broken.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../lib/base/errors.ts';
import { UsageError } from '../../cli/core/resources.ts';
import type { FaultDriver } from './fault-driver.ts';
import type { Where } from './guard.ts';
import { openFaultDriver } from './open-driver.ts';

const TRIES = 60;
const AGAIN_MS = 1000;

const [where = '{}', pid = '', startTime = ''] = process.argv.slice(2);
const say = (line: string): void => console.log(`${new Date().toISOString()} guardian of ${pid}: ${line}`);

for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});
process.stdin.resume();
await new Promise<void>((resolve) => {
  for (const name of ['end', 'close', 'error'] as const) process.stdin.once(name, () => resolve());
});

for (let attempt = 1; attempt <= TRIES; attempt++) {
  let driver: FaultDriver | undefined;
  try {
    driver = await openFaultDriver(JSON.parse(where) as Where);
    for (const { what } of await driver.healOf({ pid: Number(pid), startTime })) say(`healed ${what}`);
    break;
  } catch (error) {
    say(messageOf(error));
    // The cluster has been removed since.
    if (error instanceof UsageError) break;
    await pause(AGAIN_MS);
  } finally {
    await driver?.close();
  }
}
process.exit(0);
