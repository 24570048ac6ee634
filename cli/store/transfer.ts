// Decides how leadership is given to a member that its owner names. Never waits for a write: none is lost by it.
import { withOperator } from './operator.ts';
import { defineSubCommand } from './sub-command.ts';

export const transferCommand = defineSubCommand<{ member: string }>({
  command: 'transfer <member>',
  describe: 'give leadership to a member',
  builder: (yargs) => yargs.positional('member', { type: 'string', demandOption: true }),
  handler: ({ home, member }) =>
    withOperator(home, async (operator) => {
      await operator.operate({ operation: 'transfer', to: member });
      console.log(`${member} leads`);
    }),
});
