// Decides what is told of who counts in the store. Never changes it.
import { UsageError } from '../core/resources.ts';
import { tableLines } from '../core/table-text.ts';
import { withOperator } from './operator.ts';
import { defineSubCommand } from './sub-command.ts';

export const memberListCommand = defineSubCommand({
  command: 'list',
  describe: 'voters and learners, as the leader knows them',
  handler: ({ home }) =>
    withOperator(home, async (operator) => {
      const leader = await operator.leader();
      if (leader === undefined)
        throw new UsageError('no member of the store leads: `flotilla store status` tells more');
      const rowOf = (kind: string) => (member: string) => [
        member,
        kind,
        member === leader.member ? 'leader' : leader.alive.includes(member) ? 'alive' : 'silent',
        String(Math.max(0, leader.lastIndex - (leader.match[member] ?? 0))),
      ];
      const rows = [...leader.voters.map(rowOf('voter')), ...leader.learners.map(rowOf('learner'))];
      for (const line of tableLines([['MEMBER', 'KIND', 'STATE', 'LAG'], ...rows])) console.log(line);
    }),
});
