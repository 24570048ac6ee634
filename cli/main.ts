// Does: reads the command line with yargs and runs one command; prints failures as kubectl does and exits with their
// code. Never knows what a command does.
import { ownValue } from '../lib/base/records.ts';
import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { COMMANDS } from './commands/index.ts';
import { ASK_COMPLETIONS, completions } from './edge/completions.ts';
import { ExitError, failureText } from './edge/failure.ts';

/** Options that may stand before the command with a value of their own. */
const TAKES_VALUE = new Set(['--home', '--kubeconfig', '--namespace', '-n']);

const parser = yargs(hideBin(process.argv))
  .scriptName('flotilla')
  .usage('$0 <command>\n\nKubernetes as a fleet of small actors: one cluster on this machine.')
  .option('home', {
    type: 'string',
    default: process.env['FLOTILLA_HOME'] ?? '~/.flotilla',
    describe: 'directory that holds all state of the cluster',
    global: true,
  })
  .option('kubeconfig', { type: 'string', describe: "kubeconfig to use instead of the home's", global: true })
  .option('namespace', { alias: 'n', type: 'string', describe: 'namespace (default: default)', global: true })
  .parserConfiguration({
    'populate--': true,
    'boolean-negation': true,
    'parse-positional-numbers': false,
    'greedy-arrays': false,
  })
  .strict()
  .recommendCommands()
  .demandCommand(1, 'say what to do: `flotilla --help` lists the commands')
  .completion('completion', 'prints a completion script for your shell')
  .version(false)
  .help()
  .alias('help', 'h')
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .exitProcess(false)
  // A handler would still run after a failure that only prints: throw.
  .fail((message, error) => {
    throw error ?? new Error(message);
  });

// Only what was asked for is loaded; help and mistakes need all.
const words = hideBin(process.argv);
const wanted = words.find((word, i) => !word.startsWith('-') && !TAKES_VALUE.has(words[i - 1] ?? '')) ?? '';
const asked = ownValue(COMMANDS, wanted);
const commands =
  asked === undefined ? await Promise.all(Object.values(COMMANDS).map((load) => load())) : [await asked()];
for (const command of commands) parser.command(command as unknown as CommandModule);

async function optionsOf(name: string): Promise<string[]> {
  const command = await COMMANDS[name]?.();
  const help = await ((await command?.builder?.(yargs([]).help(false) as never)) ?? yargs([])).getHelp();
  return [
    ...new Set([...help.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option)),
    '--home',
    '--namespace',
  ];
}

// A reader that went away (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  if (words[0] === ASK_COMPLETIONS) {
    const proposals = await completions(words.slice(1), { names: Object.keys(COMMANDS), options: optionsOf });
    for (const proposal of proposals) console.log(proposal);
  } else await parser.parseAsync();
} catch (error) {
  if (error instanceof ExitError) process.exitCode = error.exitCode;
  else {
    console.error(failureText(error));
    if (process.env['FLOTILLA_DEBUG'] !== undefined && error instanceof Error) console.error(error.stack);
    process.exitCode = 1;
    // What a failed command left waiting (a connection that retries) must not keep the person waiting.
    process.exit();
  }
}
