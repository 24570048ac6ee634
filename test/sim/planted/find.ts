// Does: looks for the seed that shows each planted bug; from the command line, `node test/sim/planted/find.ts [name …]` tells it,
// with KEEP=1 also to seen.json. Never decides what counts as seen (store-sim.ts does).
import { readFileSync, writeFileSync } from 'node:fs';
import { membersOf } from '../seeds.ts';
import { loadPlanted } from './load.ts';
import { UPSTREAM_BUGS } from './etcd.ts';
import { PLANTS, type Plant } from './plants.ts';

export interface Found {
  /** Which showed it, or how many did not. */
  seed: number;
  /** undefined: not seen. */
  message: string | undefined;
}

const SEEN = new URL('seen.json', import.meta.url);

/** The seed that showed each bug last time. */
const seenBefore = (): Record<string, number> => JSON.parse(readFileSync(SEEN, 'utf8')) as Record<string, number>;

/** Runs the seed that showed the bug before, then 1, 2, … until one does: as code changes, so do the runs of a seed. */
export async function findPlanted(plant: Plant, maxSeeds: number): Promise<Found> {
  const { simulate } = await loadPlanted(plant);
  const known = seenBefore()[plant.name];
  const all = Array.from({ length: maxSeeds }, (_, i) => i + 1);
  for (const seed of known === undefined ? all : [known, ...all]) {
    try {
      await simulate({ seed, members: membersOf(seed), ...plant.world });
    } catch (error) {
      return { seed, message: (error as Error).message };
    }
  }
  return { seed: maxSeeds, message: undefined };
}

if (import.meta.main) {
  const max = Number(process.env['SEEDS'] ?? 100);
  const names = process.argv.slice(2);
  const seen = seenBefore();
  const all = [...PLANTS, ...UPSTREAM_BUGS.map(({ plant }) => plant)];
  for (const plant of all.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const began = performance.now();
    const { seed, message } = await findPlanted(plant, max).catch((error: unknown) => ({
      seed: 0,
      message: `COULD NOT BE PLANTED: ${(error as Error).message}`,
    }));
    const took = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${message === undefined ? 'NOT SEEN' : 'seen'} ${plant.name} by seed ${seed}, ${took} s: ${(message ?? '').slice(0, 150)}`,
    );
    if (message !== undefined && seed > 0) seen[plant.name] = seed;
  }
  if (process.env['KEEP'] !== undefined) writeFileSync(SEEN, `${JSON.stringify(seen, null, 2)}\n`);
}
