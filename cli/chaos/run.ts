// Decides how `chaos run` is asked: a scenario from a file, its seed, its length, or only its plan. Never plays it itself.
import { readFileSync } from 'node:fs';
import { parseYaml } from '../../lib/api/yaml.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { PLANTS, type Plant } from '../../chaos/core/plant.ts';
import { planLines, planOf } from '../../chaos/core/plan.ts';
import { scenarioOf, type Scenario } from '../../chaos/core/scenario.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { UsageError } from '../core/resources.ts';
import { ExitError } from '../edge/failure.ts';
import { play } from './play.ts';
import { driverFor } from './options.ts';

interface RunArguments {
  file: string;
  seed?: number | undefined;
  for?: string | undefined;
  'dry-run': boolean;
  yes: boolean;
  plant?: Plant | undefined;
  history?: string | undefined;
  json: boolean;
}

export const runCommand = defineCommand<RunArguments>({
  command: 'run <file>',
  describe: 'a scenario: hypothesis, faults on a timeline, what must hold; ends with a verdict',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'YAML, as those in chaos/scenarios' })
      .option('seed', { type: 'number', describe: 'the same seed draws the same faults and times' })
      .option('for', { type: 'string', describe: 'repeat its faults until then: 5m' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'only print the timeline' })
      .option('yes', { type: 'boolean', default: false, describe: 'also on a cluster that this home did not start' })
      .option('plant', { choices: PLANTS, describe: 'falsify the record: the verdict must be red' })
      .option('history', { type: 'string', describe: "write the load's history to this file" })
      .option('json', { type: 'boolean', default: false, describe: 'the verdict as JSON' }),
  handler: (args) => run(args),
});

async function run(args: GlobalArguments & RunArguments): Promise<void> {
  const scenario = readScenario(args.file);
  const seed = args.seed ?? Math.floor(Math.random() * 1_000_000);
  const forMs = args.for === undefined ? undefined : parseDuration(args.for);
  if (args['dry-run']) {
    const plan = planOf(scenario, { chance: seededChance(seed), ...(forMs === undefined ? {} : { forMs }) });
    console.log(`${scenario.name} (seed ${seed}): ${scenario.hypothesis}`);
    for (const line of planLines(plan)) console.log(line);
    return;
  }
  const driver = await driverFor(args);
  try {
    mustBeAllowed(driver, args.yes);
    if (!args.json) console.log(`${scenario.name} (seed ${seed}): ${scenario.hypothesis}`);
    const { plant, history, json } = args;
    const code = await play(driver, scenario, {
      seed,
      json,
      ...(forMs === undefined ? {} : { forMs }),
      ...(plant === undefined ? {} : { plant }),
      ...(history === undefined ? {} : { history }),
    });
    if (code !== 0) throw new ExitError(code);
  } finally {
    await driver.close();
  }
}

function readScenario(file: string): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the scenario ${file}: ${(error as Error).message}`);
  }
  try {
    return scenarioOf(parseYaml(text)[0]?.value ?? {}, file);
  } catch (error) {
    throw error instanceof SyntaxError ? new UsageError(`${file}: ${error.message}`) : error;
  }
}

export function mustBeAllowed(driver: { ours: boolean; cluster: string }, yes: boolean): void {
  if (driver.ours || yes) return;
  throw new UsageError(
    `cluster ${driver.cluster} was not started from this home: people may depend on it; say --yes to break it all the same`,
  );
}
