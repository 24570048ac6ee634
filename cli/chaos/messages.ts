// Decides what `chaos drop`, `delay`, `duplicate` and `reorder` do to an actor's messages on a subject. Never touches the
// subjects by which actors are looked at and told to heal.
import type { MessageRule } from '../../chaos/contract.ts';
import { DEFAULT_DELAY_MS } from '../../lib/actor/faults/fate.ts';
import { isPattern } from '../../lib/actor/faults/order.ts';
import { defineCommand, type Command } from '../command.ts';
import { UsageError } from '../core/resources.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { onEachActor } from './targets.ts';

interface MessageArguments extends FaultArguments {
  subject: string;
  direction?: 'in' | 'out' | undefined;
  peer?: string | undefined;
  probability: number;
  ms?: number | undefined;
}

const TEXT: Record<MessageRule['action'], string> = {
  drop: 'messages are lost: drop follower --subject "raft.>"',
  delay: 'messages come late: delay apiserver --subject "store.>" --ms 300',
  duplicate: 'messages come twice: duplicate scheduler --subject "apiserver.evt.>"',
  reorder: 'messages overtake each other: reorder store --subject "raft.>" --ms 100',
};

export function messagesCommand(action: MessageRule['action']): Command {
  const isLate = action === 'delay' || action === 'reorder';
  return defineCommand<MessageArguments>({
    command: `${action} <target>`,
    describe: TEXT[action],
    builder: (yargs) =>
      faultOptions(yargs)
        .option('subject', {
          type: 'string',
          demandOption: true,
          describe: 'pattern as of NATS, without the cluster: raft.>, apiserver.evt.>, > (the map: lib/bus/README.md)',
        })
        .option('direction', { choices: ['in', 'out'] as const, describe: 'as the actor sees it; both unless given' })
        .option('peer', { type: 'string', describe: 'only what is said to, or by, this actor: store-2' })
        .option('probability', { alias: 'p', type: 'number', default: 1, describe: '0 to 1' })
        .option('ms', {
          type: 'number',
          hidden: !isLate,
          ...(isLate ? { default: DEFAULT_DELAY_MS } : {}),
          describe: action === 'delay' ? 'how late' : 'the most that one may be overtaken by',
        }),
    handler: (args) => {
      const rule = ruleOf(action, args);
      return inflict(
        args,
        onEachActor(args.target, ({ name }) => ({ type: 'messages', instance: name, rule })),
      );
    },
  });
}

function ruleOf(action: MessageRule['action'], args: MessageArguments): MessageRule {
  const { subject, direction, peer, probability, ms } = args;
  if (!isPattern(subject))
    throw new UsageError(
      `--subject ${subject}: no pattern of subjects: tokens with dots between them, * for one, > for the rest`,
    );
  if (!(probability >= 0 && probability <= 1)) throw new UsageError(`--probability ${probability}: must be 0 to 1`);
  if (ms !== undefined && !(ms >= 0 && ms <= 60_000)) throw new UsageError(`--ms ${ms}: must be 0 to 60000`);
  return {
    subject,
    action,
    ...(direction === undefined ? {} : { direction }),
    ...(peer === undefined ? {} : { peer: peer.replace('/', '-') }),
    ...(probability === 1 ? {} : { probability }),
    ...(ms === undefined ? {} : { delayMs: ms }),
  };
}
