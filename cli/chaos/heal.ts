// Decides what `chaos heal` says: everything that chaos left broken in this cluster is mended. Never breaks anything.
import { defineCommand } from '../command.ts';
import { driverFor } from './options.ts';

export const healCommand = defineCommand({
  command: 'heal',
  describe: 'mend everything that chaos has left broken',
  handler: async (args) => {
    const driver = await driverFor(args);
    try {
      const healed = await driver.healAll();
      for (const { what } of healed) console.log(`healed: ${what}`);
      if (healed.length === 0) console.log(`nothing is broken by chaos in cluster ${driver.cluster}`);
    } finally {
      await driver.close();
    }
  },
});
