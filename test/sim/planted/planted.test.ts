// Decides whether the simulation would see a bug if there were one: each planted bug must end a run within a few seeds.
import test from 'ava';
import { findPlanted } from './find.ts';
import { PLANTS } from './plants.ts';

const MAX_SEEDS = 400;

test('there are enough of them, each with a name of its own', (t) => {
  t.true(PLANTS.length >= 25);
  t.is(new Set(PLANTS.map(({ name }) => name)).size, PLANTS.length);
});

for (const plant of PLANTS) {
  test.serial(`seen: ${plant.name}`, async (t) => {
    t.timeout(300_000);
    const { seed, message } = await findPlanted(plant, MAX_SEEDS);
    t.not(message, undefined, `nobody noticed it in ${seed} seeds`);
    t.log(`seed ${seed}: ${message?.slice(0, 200)}`);
  });
}
