// Does: plays the stories on a cluster of its own and keeps what came out: `npm run test:kubectl -- [--all] [--only STORY]
// [--version 1.30] [--home DIR] [--rewrite]`. Never counts a command that was not run.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TestCluster } from '../kit/cluster.ts';
import { findKubectls } from './find-kubectls.ts';
import { answerFor, matches, writeStory } from './story.ts';
import type { Command } from './story.ts';
import { STORIES, namespaceOf, plan, playAll, readStories, tell } from './suite.ts';
import type { Home, Part } from './suite.ts';

const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));

const { values } = parseArgs({
  options: {
    /** Everything in every version, and what came out is kept in results.json. */
    all: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    /** The stories that need containers, on a cluster with ctr. */
    containers: { type: 'boolean', default: false },
    version: { type: 'string', multiple: true },
    /** A cluster that is there already. */
    home: { type: 'string' },
    /** Writes what was printed into the stories: read the difference before you keep it. */
    rewrite: { type: 'boolean', default: false },
  },
});

interface Result {
  version: string;
  commands: number;
  passed: number;
  failed: number;
  /** By story: passed of commands. */
  stories: Record<string, [number, number]>;
}

/** What each version printed, by command. */
type Printed = Map<Command, Map<number, string>>;

async function chosen(): Promise<Part[]> {
  const found = await findKubectls();
  const kubectls = found.filter(({ minor }) => values.version?.includes(`1.${minor}`) ?? true);
  if (kubectls.length === 0) throw new Error('no kubectl was found on this machine');
  const stories = readStories(values.containers).filter(({ name }) => values.only?.includes(name) ?? true);
  return plan(kubectls, stories, values.all);
}

async function play(parts: readonly Part[], home: Home, results: Map<string, Result>): Promise<Printed> {
  const printed: Printed = new Map();
  const outcomes = playAll(parts, home, ({ kubectl }, command, actual) => {
    if (!printed.has(command)) printed.set(command, new Map());
    printed.get(command)!.set(kubectl.minor, actual);
  });
  for (const [index, part] of parts.entries()) {
    const { passed, differences } = await outcomes[index]!;
    const { version } = part.kubectl;
    const result = results.get(version) ?? { version, commands: 0, passed: 0, failed: 0, stories: {} };
    result.stories[part.story.name] = [passed, passed + differences.length];
    results.set(version, summed(result));
    console.log(`${differences.length === 0 ? '✔' : '✘'} kubectl ${version}: ${part.story.name}`);
    for (const difference of differences) console.log(`${namespaceOf(part)} ${tell(difference)}`);
  }
  return printed;
}

function summed(result: Result): Result {
  const counts = Object.values(result.stories);
  const passed = counts.reduce((sum, [good]) => sum + good, 0);
  const commands = counts.reduce((sum, [, all]) => sum + all, 0);
  return { ...result, commands, passed, failed: commands - passed };
}

/** The newest version's answer is everybody's; what another prints instead is said of the range of versions that do. */
function rewrite(parts: readonly Part[], printed: Printed): void {
  const newest = Math.max(...parts.map(({ kubectl }) => kubectl.minor));
  for (const story of new Set(parts.map((part) => part.story))) {
    for (const command of story.commands) {
      const answers = printed.get(command) ?? new Map<number, string>();
      if (values.version === undefined) command.answers[0]!.text = answers.get(newest) ?? command.answers[0]!.text;
      for (const [minor, text] of [...answers].sort(([a], [b]) => a - b)) learn(command, minor, text);
    }
    writeFileSync(join(STORIES, `${story.name}.txt`), writeStory(story));
  }
}

function learn(command: Command, minor: number, text: string): void {
  if (matches(answerFor(command, minor).text, text)) return;
  const before = command.answers.find((answer) => answer.minors?.[1] === minor - 1 && matches(answer.text, text));
  if (before === undefined) command.answers.push({ minors: [minor, minor], text });
  else before.minors![1] = minor;
}

function kept(): Map<string, Result> {
  if (!values.all || !existsSync(RESULTS)) return new Map();
  const old = JSON.parse(readFileSync(RESULTS, 'utf8')) as Result[];
  return new Map(old.map((result) => [result.version, result]));
}

async function main(): Promise<void> {
  const parts = await chosen();
  const args = values.containers ? ['--nodes', '1', '--stores', '1'] : ['--runtime', 'hollow'];
  const cluster = values.home === undefined ? new TestCluster({ name: `kubectl-${process.pid}`, args }) : undefined;
  const results = kept();
  try {
    await cluster?.up();
    const printed = await play(parts, { folder: values.home ?? cluster!.home }, results);
    if (values.rewrite) rewrite(parts, printed);
    const versions = new Set(parts.map(({ kubectl }) => kubectl.version));
    for (const version of versions) {
      const { commands, failed } = results.get(version)!;
      console.log(`kubectl ${version}: ${commands} commands, ${failed} failed`);
    }
    if (values.all) writeFileSync(RESULTS, `${JSON.stringify([...results.values()], undefined, 2)}\n`);
    process.exitCode = [...versions].every((version) => results.get(version)!.failed === 0) ? 0 : 1;
  } finally {
    await cluster?.down();
  }
}

await main();
