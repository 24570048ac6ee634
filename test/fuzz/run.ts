// Does: gives each decoder 100,000 hostile inputs and writes what came of it to test/fuzz/results.jsonl. Never changes a decoder.
// `npm run fuzz -- [--inputs N] [--seed N] [decoder …]`; a failure tells the smallest input that breaks and how to repeat it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fuzz, type FuzzResult } from './decoder.ts';
import { DECODERS } from './decoders/index.ts';

const RESULTS = new URL('results.jsonl', import.meta.url);

interface Wish {
  inputs: number;
  seed: number;
  names: string[];
}

function wishOf(argv: readonly string[]): Wish {
  const wish: Wish = { inputs: 100_000, seed: Date.now() % 2 ** 31, names: [] };
  for (let i = 0; i < argv.length; i++)
    if (argv[i] === '--inputs') wish.inputs = Number(argv[++i]);
    else if (argv[i] === '--seed') wish.seed = Number(argv[++i]);
    else wish.names.push(argv[i]!);
  return wish;
}

/** The latest result of each decoder, in the order of the table. */
function keep(results: readonly FuzzResult[]): void {
  const known = new Map<string, FuzzResult>();
  for (const line of linesOf(RESULTS))
    known.set((JSON.parse(line) as FuzzResult).decoder, JSON.parse(line) as FuzzResult);
  for (const result of results) known.set(result.decoder, result);
  const lines = DECODERS.flatMap(({ name }) => (known.has(name) ? [JSON.stringify(known.get(name))] : []));
  writeFileSync(RESULTS, `${lines.join('\n')}\n`);
}

function linesOf(file: URL): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

const { inputs, seed, names } = wishOf(process.argv.slice(2));
const chosen = DECODERS.filter(({ name }) => names.length === 0 || names.includes(name));
const results: FuzzResult[] = [];
for (const one of chosen) {
  const began = process.cpuUsage();
  try {
    const result = fuzz(one, inputs, seed);
    results.push(result);
    const { user, system } = process.cpuUsage(began);
    console.log(`${JSON.stringify(result)} ${((user + system) / 1e6).toFixed(1)} s of processor time`);
  } catch (error) {
    process.exitCode = 1;
    console.error(
      `${one.name} (seed ${seed}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}
keep(results);
