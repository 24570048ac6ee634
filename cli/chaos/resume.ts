// Decides what `chaos resume` does: what is paused goes on before its time is over. Never touches what runs.
import type { Applied } from '../../chaos/contract.ts';
import { resolveTargets } from '../../chaos/core/targets.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { defineCommand } from '../command.ts';
import { driverFor } from './options.ts';

export const resumeCommand = defineCommand<{ target: string }>({
  command: 'resume <target>',
  describe: 'let what is paused go on: resume all',
  builder: (yargs) => yargs.positional('target', { type: 'string', demandOption: true, describe: 'as of pause' }),
  handler: async (args) => {
    const driver = await driverFor(args);
    try {
      const found = resolveTargets(await driver.targets(), args.target, seededChance(0));
      const paused = found.filter(({ state }) => state === 'paused');
      for (const { name } of paused) {
        await driver.heal(pausedBy(name));
        console.log(`${name} goes on`);
      }
      if (paused.length === 0) console.log(`${found.map(({ name }) => name).join(', ')}: not paused`);
    } finally {
      await driver.close();
    }
  },
});

/** Whoever paused it heals it once more when its time is over: that changes nothing then. */
function pausedBy(unit: string): Applied {
  return { id: `resume-${unit}`, fault: { type: 'pause', unit }, what: `${unit}: paused`, heals: true };
}
