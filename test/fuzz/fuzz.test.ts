// Shows, with few inputs of a fixed seed, that each decoder refuses what is hostile and breaks nothing; `npm run fuzz` tries many.
import test from 'ava';
import { fuzz } from './decoder.ts';
import { DECODERS } from './decoders/index.ts';

const INPUTS = 150;
const SEED = 20_261_122;

for (const decoder of DECODERS)
  test(`${decoder.name} stands whatever comes`, (t) => {
    const { accepted, refused } = fuzz(decoder, INPUTS, SEED);
    t.is(accepted + refused, INPUTS);
  });
