// Does: takes single faults from a command line to their end: targets found, faults done and shown, healed when their
// time is over or the person has seen enough. Never leaves before everything is healed.
import type { Applied, ChaosDriver, Fault, Target } from '../../chaos/contract.ts';
import { describeFault } from '../../chaos/core/describe-fault.ts';
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import { humanDuration } from '../../lib/api/age.ts';
import type { GlobalArguments } from '../command.ts';
import { UsageError } from '../core/resources.ts';
import { ExitError } from '../edge/failure.ts';
import { countDown } from './count-down.ts';
import { driverFor, mayBreak, type FaultArguments } from './options.ts';

export type FaultsFor = (targets: readonly Target[], chance: Chance) => Fault[];

type Arguments = GlobalArguments & Pick<FaultArguments, 'for' | 'dry-run' | 'yes' | 'seed'>;

/** Exit code 0 when all was done and healed; 128 + signal when a signal ended it early (healed as well). */
export async function inflict(args: Arguments, faultsFor: FaultsFor): Promise<void> {
  if (!Number.isInteger(args.seed)) throw new UsageError(`--seed ${String(args.seed)}: must be a whole number`);
  const driver = await driverFor(args);
  try {
    const faults = faultsFor(await driver.targets(), seededChance(args.seed));
    for (const fault of faults) await driver.check?.(fault);
    if (args['dry-run']) return tellOnly(driver, faults, args.for);
    mayBreak(driver, args.yes);
    await breakAndHeal(driver, faults, args.for);
  } finally {
    await driver.close();
  }
}

function tellOnly(driver: ChaosDriver, faults: readonly Fault[], forMs: number): void {
  console.log(`would break cluster ${driver.cluster}${until(forMs)}:`);
  for (const fault of faults) console.log(`  ${describeFault(fault)}`);
}

async function breakAndHeal(driver: ChaosDriver, faults: readonly Fault[], forMs: number): Promise<void> {
  const ending = signalled();
  const applied: Applied[] = [];
  try {
    for (const fault of faults) {
      if (ending.signal.aborted) break;
      const done = await driver.apply(fault);
      console.log(done.what);
      if (done.heals) applied.push(done);
    }
    const isBroken = (each: Applied): boolean => driver.isBroken?.(each) ?? true;
    if (applied.length > 0) await countDown(forMs, ending.signal, () => applied.some(isBroken));
  } finally {
    ending.done();
    await healEach(driver, applied);
  }
  const code = ending.code();
  if (code !== 0) throw new ExitError(code);
}

/** Last broken, first healed. What fails is left to the guardian, and said. */
async function healEach(driver: ChaosDriver, applied: readonly Applied[]): Promise<void> {
  let trouble: unknown;
  for (const each of applied.toReversed()) {
    const byOthers = driver.isBroken?.(each) === false ? ' (by somebody else)' : '';
    try {
      await driver.heal(each);
      console.log(`healed${byOthers}: ${each.what}`);
    } catch (error) {
      trouble ??= error;
    }
  }
  if (trouble !== undefined) throw trouble;
}

function until(forMs: number): string {
  return forMs === 0 ? ' until Ctrl-C' : ` for ${humanDuration(forMs)}`;
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

function signalled(): { signal: AbortSignal; code(): number; done(): void } {
  const end = new AbortController();
  let code = 0;
  const listeners = Object.entries(SIGNALS).map(([name, number]) => {
    const listen = (): void => {
      code = 128 + number;
      end.abort();
    };
    process.on(name, listen);
    return { name, listen };
  });
  return {
    signal: end.signal,
    code: () => code,
    // A second Ctrl-C ends this process at once: the guardian heals.
    done: () => listeners.forEach(({ name, listen }) => process.off(name, listen)),
  };
}
