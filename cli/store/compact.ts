// Decides how old revisions are forgotten on demand, earlier than age and count would. Never touches what is alive now.
import { UsageError } from '../core/resources.ts';
import { withOperator } from './operator.ts';
import { defineSubCommand } from './sub-command.ts';

export const compactCommand = defineSubCommand<{ revision?: number | undefined }>({
  command: 'compact [revision]',
  describe: 'forget revisions before this one (default: all but the present)',
  builder: (yargs) => yargs.positional('revision', { type: 'number' }),
  handler: ({ home, revision }) =>
    withOperator(home, async (operator) => {
      const leader = await operator.leader();
      if (leader === undefined) throw new UsageError('no member of the store leads: nothing can be agreed on');
      const upTo = revision ?? leader.revision;
      if (!Number.isSafeInteger(upTo) || upTo < 0 || upTo > leader.revision)
        throw new UsageError(`revision ${upTo}: the store is at ${leader.revision}`);
      await operator.operate({ operation: 'compact', revision: upTo });
      console.log(`revisions before ${upTo} are forgotten`);
    }),
});
