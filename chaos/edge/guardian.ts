// Does: outlives the process that broke a cluster, and heals what it leaves broken; then ends. Never heals what a living
// process still wants broken.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../lib/base/errors.ts';
import { LocalDriver } from './local-driver.ts';

const TRIES = 60;
const AGAIN_MS = 1000;

const [home = '', pid = '', startTime = ''] = process.argv.slice(2);
const say = (line: string): void => console.log(`${new Date().toISOString()} guardian of ${pid}: ${line}`);

for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});
process.stdin.resume();
await new Promise<void>((resolve) => {
  for (const name of ['end', 'close', 'error'] as const) process.stdin.once(name, () => resolve());
});

for (let attempt = 1; attempt <= TRIES; attempt++) {
  const driver = new LocalDriver(home);
  try {
    for (const { what } of await driver.healOf({ pid: Number(pid), startTime })) say(`healed ${what}`);
    break;
  } catch (error) {
    say(messageOf(error));
    if (!driver.hasCluster) break;
    await pause(AGAIN_MS);
  } finally {
    await driver.close();
  }
}
process.exit(0);
