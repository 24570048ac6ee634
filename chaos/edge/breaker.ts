// Does: breaks what the timeline says and heals it again, each fault once. Never leaves one behind when it is told to heal
// all: what one healing throws does not keep the others from theirs.
import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from '../../lib/base/chance.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { Applied, ChaosDriver, Fault } from '../contract.ts';
import { faultsOf } from '../core/faults-of.ts';
import { wishText } from '../core/plan.ts';
import type { FaultWish } from '../core/scenario.ts';
import { resolveTargets, TargetError } from '../core/targets.ts';

const TARGET_MS = 10_000;
const AGAIN_MS = 200;

export class Breaker {
  readonly #driver: ChaosDriver;
  readonly #chance: Chance;
  readonly #active = new Map<number, Applied[]>();
  /** Faults of the timeline that hit nothing, and healings that failed. */
  readonly troubles: string[] = [];

  constructor(driver: ChaosDriver, chance: Chance) {
    this.#driver = driver;
    this.#chance = chance;
  }

  /** What was done, one text each. */
  async break(number: number, wish: FaultWish): Promise<string[]> {
    const applied: Applied[] = [];
    this.#active.set(number, applied);
    try {
      const faults = await this.#faultsOf(wish);
      // A restart is done when the process runs again: of many, one after the other, as whoever cares for them would do it.
      if (wish.fault === 'restart') for (const fault of faults) applied.push(await this.#driver.apply(fault));
      else await this.#applyAtOnce(faults, applied);
    } catch (error) {
      this.troubles.push(`${wishText(wish)}: ${messageOf(error)}`);
    }
    return applied.map(({ what }) => what);
  }

  /** Between two leaders there is none: a target that is not there now is waited for. */
  async #faultsOf(wish: FaultWish): Promise<Fault[]> {
    const end = performance.now() + TARGET_MS;
    for (;;) {
      const targets = await this.#driver.targets();
      try {
        return faultsOf(wish, (word) => resolveTargets(targets, word, this.#chance));
      } catch (error) {
        if (!(error instanceof TargetError) || performance.now() > end) throw error;
      }
      await pause(AGAIN_MS);
    }
  }

  /** As a crash of many is: one by one the first would be back before the last is gone. */
  async #applyAtOnce(faults: readonly Fault[], applied: Applied[]): Promise<void> {
    const done = await Promise.allSettled(faults.map((fault) => this.#driver.apply(fault)));
    for (const one of done) if (one.status === 'fulfilled') applied.push(one.value);
    const failed = done.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async heal(number: number): Promise<string[]> {
    const applied = this.#active.get(number) ?? [];
    this.#active.delete(number);
    const healed: string[] = [];
    for (const one of applied.toReversed())
      if (one.heals)
        await this.#driver.heal(one).then(
          () => healed.push(one.what),
          (error) => this.troubles.push(`healing ${one.what}: ${messageOf(error)}`),
        );
    return healed;
  }

  async healAll(): Promise<string[]> {
    const healed: string[] = [];
    for (const number of [...this.#active.keys()].toReversed()) healed.push(...(await this.heal(number)));
    return healed;
  }

  get broken(): string[] {
    return [...this.#active.values()].flat().flatMap(({ heals, what }) => (heals ? [what] : []));
  }
}
