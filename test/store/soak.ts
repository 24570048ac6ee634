// Does: lets real store processes suffer one trouble after another, in an order drawn from a seed, for as long as it is told,
// and appends what came of it to results.jsonl. Run: `npm run soak:store -- --for 10m [--seed N] [--only name,name]`.
// Never goes on after something was wrong: it says what and leaves.
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Stage, type Outcome } from './stage.ts';
import { TROUBLES } from './troubles.ts';

const RESULTS = new URL('results.jsonl', import.meta.url);
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: '5m' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    only: { type: 'string' },
  },
});

async function soak(forMs: number, seed: number, only: readonly string[] | undefined): Promise<number> {
  const troubles = TROUBLES.filter(({ name }) => only === undefined || only.includes(name));
  if (troubles.length === 0)
    throw new Error(`there is no trouble named ${only?.join()}: ${TROUBLES.map(({ name }) => name).join()}`);
  const draw = drawFrom(seed);
  const outcomes: Outcome[] = [];
  let wrong = '';
  const stage = await Stage.begin(draw);
  const began = performance.now();
  try {
    while (performance.now() - began < forMs) {
      const trouble = stage.pick(troubles);
      process.stdout.write(`${trouble.name} … `);
      const outcome = await stage.suffer(trouble);
      outcomes.push(outcome);
      console.log(
        `${outcome.asked} asked, ${outcome.unanswered} unanswered, gap ${outcome.gapMs} ms, ${outcome.tookMs} ms`,
      );
    }
    await stage.finish();
  } catch (error) {
    wrong = (error as Error).message;
    console.error(`\nseed ${seed}: ${wrong}`);
    if (process.env['KEEP'] !== undefined) await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  } finally {
    await stage.end();
  }
  const result = {
    at: new Date().toISOString(),
    seed,
    seconds: Math.round((performance.now() - began) / 1_000),
    troubles: counted(outcomes),
    asked: sum(outcomes, 'asked'),
    acknowledged: sum(outcomes, 'acknowledged'),
    unanswered: sum(outcomes, 'unanswered'),
    longestGapMs: Math.max(0, ...outcomes.map(({ gapMs }) => gapMs)),
    wrong,
  };
  appendFileSync(RESULTS, `${JSON.stringify(result)}\n`);
  console.log(JSON.stringify(result, null, 2));
  return wrong === '' ? 0 : 1;
}

function counted(outcomes: readonly Outcome[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(outcomes, ({ trouble }) => trouble)].map(([name, all]) => [name, all.length]),
  );
}

const sum = (outcomes: readonly Outcome[], field: 'asked' | 'acknowledged' | 'unanswered'): number =>
  outcomes.reduce((total, outcome) => total + outcome[field], 0);

function millisecondsOf(text: string): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`--for ${text}: not a time, as 90s, 10m or 1h`);
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

/** mulberry32: the order of troubles comes again with the seed, what processes do meanwhile does not. */
function drawFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

process.exitCode = await soak(millisecondsOf(values.for), Number(values.seed), values.only?.split(','));
