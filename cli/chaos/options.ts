// Decides which options every fault has, and whether a cluster may be broken at all. Never breaks one.
import type { Argv } from 'yargs';
import type { ChaosDriver } from '../../chaos/contract.ts';
import { openDriver } from '../../chaos/edge/open-driver.ts';
import type { GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { UsageError } from '../core/resources.ts';

/** Which cluster is meant: every command of chaos has it, from its parent. */
export interface ClusterArguments {
  home: string;
  /** '': the compose project of this directory. */
  compose?: string | undefined;
}

/** The home's own cluster, unless compose is asked for or all that there is. */
export function driverFor({ home, compose }: ClusterArguments): Promise<ChaosDriver> {
  return openDriver({ home, compose });
}

export interface FaultArguments {
  target: string;
  for: number;
  'dry-run': boolean;
  yes: boolean;
  seed: number;
}

/** What every fault on a target takes; `passing`: nothing stays broken, so there is nothing to wait for. */
export function faultOptions(
  yargs: Argv<GlobalArguments>,
  options: { passing?: boolean } = {},
): Argv<GlobalArguments & FaultArguments> {
  const common = yargs
    .positional('target', {
      type: 'string',
      demandOption: true,
      describe: 'store/1, leader, follower, apiserver, kubelet/node-2, node/node-2, nats, all; several with commas',
    })
    .option('dry-run', { type: 'boolean', default: false, describe: 'only say what would be done' })
    .option('yes', { type: 'boolean', alias: 'y', default: false, describe: 'also a cluster that is not yours' })
    .option('seed', {
      type: 'number',
      default: Math.floor(Math.random() * 2 ** 31),
      defaultDescription: 'another each time',
      describe: 'the same seed chooses the same follower, bit …',
    })
    .option('for', {
      type: 'string',
      default: '30s',
      coerce: parseDuration,
      hidden: options.passing === true,
      describe: 'heal it after this long; 0s: on Ctrl-C',
    });
  return common as unknown as Argv<GlobalArguments & FaultArguments>;
}

/** Somebody else's work may run there. */
export function mayBreak(driver: ChaosDriver, yes: boolean): void {
  if (driver.ours || yes) return;
  throw new UsageError(
    `cluster ${driver.cluster} was not started by you: add --yes if it may be broken (--dry-run only says what would be done)`,
  );
}
