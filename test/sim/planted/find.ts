// Does: tells after how many seeds each planted bug is seen, from the command line: `node test/sim/planted/find.ts [name …]`.
// Never decides what counts as seen (store-sim.ts does).
import { membersOf } from '../seeds.ts';
import { loadPlanted } from './load.ts';
import { PLANTS, type Plant } from './plants.ts';

export interface Found {
  seeds: number;
  /** undefined: not seen. */
  message: string | undefined;
}

/** Runs seeds 1, 2, … until one shows the bug. */
export async function findPlanted(plant: Plant, maxSeeds: number): Promise<Found> {
  const { simulate } = await loadPlanted(plant);
  for (let seed = 1; seed <= maxSeeds; seed++) {
    try {
      await simulate({ seed, members: membersOf(seed), ...plant.world });
    } catch (error) {
      return { seeds: seed, message: (error as Error).message };
    }
  }
  return { seeds: maxSeeds, message: undefined };
}

if (import.meta.main) {
  const max = Number(process.env['SEEDS'] ?? 100);
  const names = process.argv.slice(2);
  for (const plant of PLANTS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const began = performance.now();
    const { seeds, message } = await findPlanted(plant, max).catch((error: unknown) => ({
      seeds: 0,
      message: `COULD NOT BE PLANTED: ${(error as Error).message}`,
    }));
    const took = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${message === undefined ? 'NOT SEEN' : 'seen'} ${plant.name} after ${seeds} seeds, ${took} s: ${(message ?? '').slice(0, 150)}`,
    );
  }
}
