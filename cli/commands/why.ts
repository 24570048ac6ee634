// Decides how `why` asks and what its exit code says: 0 for nothing stuck, 1 for something. Never decides the answer
// (core/why does).
import { messageOf } from '../../lib/base/errors.ts';
import { ConnectionError } from '../../lib/client/https-transport.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { parseTargets, UsageError } from '../core/resources.ts';
import { actorDown } from '../core/why/actors.ts';
import type { Answer, Facts } from '../core/why/facts.ts';
import { answerLines } from '../core/why/text.ts';
import { why } from '../core/why/why.ts';
import { ExitError } from '../edge/failure.ts';
import { openSession } from '../edge/session.ts';
import { actorFacts, objectFacts } from '../edge/why-facts.ts';

interface WhyArguments {
  words: string[];
  output?: string | undefined;
}

export const whyCommand = defineCommand<WhyArguments>({
  command: 'why <words..>',
  describe: 'what something waits for, and what to do about it: why pod/web-xxx',
  builder: (yargs) =>
    yargs
      .positional('words', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'kind/name, or kind and names',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        choices: ['json', 'facts'],
        describe: 'json: the answer; facts: all that it was decided on',
      }),
  handler: (args) => run(args),
});

async function run(args: GlobalArguments & WhyArguments): Promise<void> {
  const session = openSession(args);
  const about = await actorFacts(args.home);
  const answers: Answer[] = [];
  try {
    for (const { resource, name } of parseTargets(args.words, await session.resources())) {
      if (name === undefined) throw new UsageError(`${args.words.join(' ')}: name one object, as pod/web`);
      const facts = await objectFacts(session, resource, name, about);
      if (args.output === 'facts') console.log(JSON.stringify(facts));
      else answers.push(why(facts));
    }
  } catch (error) {
    const down = error instanceof ConnectionError ? apiDown(about, error) : undefined;
    if (down === undefined) throw error;
    answers.push(down);
  } finally {
    session.close();
  }
  if (args.output === 'json') console.log(JSON.stringify(answers, null, 2));
  else
    for (const line of answers.flatMap((answer, i) => [...(i === 0 ? [] : ['']), ...answerLines(answer)]))
      console.log(line);
  if (answers.some(({ isStuck }) => isStuck)) throw new ExitError(1);
}

/** Of several API actors one may be there that this kubeconfig does not name. */
function apiDown(about: Pick<Facts, 'actors' | 'noQuorum' | 'spans'>, error: ConnectionError): Answer | undefined {
  const facts = { ...about, noQuorum: undefined } as Facts;
  const down = actorDown(facts, 'apiserver', 'everything waits for');
  if (down !== undefined) return { ...down, because: [messageOf(error), ...down.because] };
  const dead = about.actors
    .filter(({ actor, answers }) => actor === 'apiserver' && !answers)
    .map(({ instance }) => instance);
  if (dead.length === 0) return undefined;
  return {
    code: 'apiserver-down',
    isStuck: true,
    what: `the API actor that this kubeconfig names does not run; another does`,
    because: [messageOf(error), `not there: ${dead.join(', ')}`],
    help: [`flotilla start ${dead.join(' ')}`],
    way: [],
  };
}
