// Decides how leadership is given to a member that its owner names. Never waits for a write: none is lost by it.
import { UsageError } from '../core/resources.ts';
import { withOperator } from './operator.ts';
import { defineSubCommand } from './sub-command.ts';

export const transferCommand = defineSubCommand<{ member: string }>({
  command: 'transfer <member>',
  describe: 'give leadership to a member',
  builder: (yargs) => yargs.positional('member', { type: 'string', demandOption: true }),
  handler: ({ home, member }) =>
    withOperator(home, async (operator) => {
      const leader = await operator.leader();
      if (leader === undefined) throw new UsageError('no member of the store leads: nothing can be agreed on');
      if (!leader.voters.includes(member))
        throw new UsageError(
          `${member} is no voting member of the store, so it cannot lead: the voters are ${leader.voters.join(', ')}`,
        );
      await operator.operate({ operation: 'transfer', to: member });
      console.log(`${member} leads`);
    }),
});
