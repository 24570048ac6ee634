// Decides how old revisions are forgotten on demand, earlier than age and count would. Never touches what is alive now.
import { UsageError } from '../core/resources.ts';
import { withOperator } from './operator.ts';
import { defineSubCommand } from './sub-command.ts';

export const compactCommand = defineSubCommand<{ revision?: string | undefined }>({
  command: 'compact [revision]',
  describe: 'forget revisions before this one (default: all but the present)',
  builder: (yargs) => yargs.positional('revision', { type: 'string' }),
  handler: ({ home, revision }) =>
    withOperator(home, async (operator) => {
      const leader = await operator.leader();
      if (leader === undefined) throw new UsageError('no member of the store leads: nothing can be agreed on');
      const upTo = revision === undefined ? leader.revision : Number(revision);
      if (revision !== undefined && !/^\d+$/.test(revision))
        throw new UsageError(`${revision} is no revision: give a number from 0 to ${leader.revision}`);
      if (upTo > leader.revision)
        throw new UsageError(`revision ${upTo} is not written yet: the store is at ${leader.revision}`);
      if (upTo < leader.compactedRevision)
        throw new UsageError(`revision ${upTo} is forgotten already: the oldest is ${leader.compactedRevision}`);
      await operator.operate({ operation: 'compact', revision: upTo });
      console.log(`revisions before ${upTo} are forgotten`);
    }),
});
