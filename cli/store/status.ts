// Decides what `store status` tells: every member of the store, who leads, how far each is, what is wrong. Never changes
// anything.
import type { StoreStatus } from '../../lib/bus/messages.ts';
import { StoreOperator } from '../../launcher/edge/store-operator.ts';
import { UsageError } from '../core/resources.ts';
import { tableLines } from '../core/table-text.ts';
import { joinBus } from '../edge/cluster-bus.ts';
import { ExitError } from '../edge/failure.ts';
import { defineSubCommand } from './sub-command.ts';

const HEADER = [
  'MEMBER',
  'ROLE',
  'LEADER',
  'TERM',
  'COMMIT',
  'APPLIED',
  'LAG',
  'REVISION',
  'KEYS',
  'LOG',
  'SNAPSHOT',
  'FSYNC P99',
  'HASH',
];

export const statusCommand = defineSubCommand<{ output?: string | undefined }>({
  command: 'status',
  describe: 'every member: role, term, commit, lag, sizes, fsync, hash of its state',
  builder: (yargs) => yargs.option('output', { alias: 'o', type: 'string', choices: ['json'] }),
  handler: (args) => run(args.home, args.output === 'json'),
});

async function run(home: string, asJson: boolean): Promise<void> {
  const { bus, cluster } = await joinBus(home);
  try {
    const said = await new StoreOperator(bus, cluster.name, cluster.stores).statuses();
    if (asJson) console.log(JSON.stringify(said, null, 2));
    else print(cluster.stores, said);
    judge(cluster.stores, said);
  } finally {
    await bus.close();
  }
}

function print(members: readonly string[], said: readonly StoreStatus[]): void {
  const leader = said.find(({ role }) => role === 'leader');
  const rows = members.map((member) => {
    const status = said.find((each) => each.member === member);
    if (status === undefined) return silent(member, 'does not answer');
    return status.role === 'aside' ? silent(member, 'does not run') : rowOf(status, leader);
  });
  for (const line of tableLines([HEADER, ...rows])) console.log(line);
  for (const { member, alarms } of said) for (const alarm of alarms) console.log(`ALARM ${member}: ${alarm}`);
}

function silent(member: string, what: string): string[] {
  return [member, what, ...HEADER.slice(2).map(() => '-')];
}

/** Lag: entries that the leader has and this member does not have on its disk, as far as the leader knows. */
function rowOf(status: StoreStatus, leader: StoreStatus | undefined): string[] {
  const match = leader?.match[status.member];
  const isLearner = leader?.learners.includes(status.member) ?? status.learners.includes(status.member);
  return [
    status.member,
    isLearner ? 'learner' : status.role,
    status.leader === '' ? '-' : status.leader,
    String(status.term),
    String(status.commit),
    String(status.applied),
    match === undefined ? '-' : String(Math.max(0, leader!.lastIndex - match)),
    String(status.revision),
    String(status.keys),
    bytesText(status.logBytes),
    status.snapshotIndex === 0 ? '-' : bytesText(status.snapshotBytes),
    `${status.fsyncP99Ms.toFixed(2)}ms`,
    status.hash,
  ];
}

export function bytesText(bytes: number): string {
  if (bytes < 1_024) return `${bytes}B`;
  const units = ['KiB', 'MiB', 'GiB'];
  let value = bytes / 1_024;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${value.toFixed(1)}${units[unit]}`;
}

/** What the exit code says: no quorum is an error, a missing member a warning. */
function judge(members: readonly string[], said: readonly StoreStatus[]): void {
  const voters = said.find(({ role }) => role === 'leader')?.voters ?? members;
  const running = said.filter(({ role }) => role !== 'aside');
  const answering = running.filter(({ member }) => voters.includes(member)).length;
  if (answering * 2 <= voters.length)
    throw new UsageError(
      `no quorum: ${answering} of ${voters.length} members answer and run; writes are refused, reads from caches go on. ` +
        'If the others are lost for good: `flotilla store recover`',
    );
  if (running.length < members.length) throw new ExitError(1);
}
