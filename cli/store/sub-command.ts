// Decides the shape of a command below `store`. Never holds one.
import type { Argv, ArgumentsCamelCase } from 'yargs';
import type { GlobalArguments } from '../command.ts';

export interface SubCommand<A = object> {
  command: string;
  describe: string;
  builder?: (yargs: Argv<GlobalArguments>) => Argv<GlobalArguments & A>;
  handler: (args: ArgumentsCamelCase<GlobalArguments & A>) => Promise<void> | void;
}

export function defineSubCommand<A>(command: SubCommand<A>): SubCommand {
  return command as unknown as SubCommand;
}

/** `words` are what stands between `store` and the command's own: `['snapshot']`. */
export function register(yargs: Argv<GlobalArguments>, commands: readonly SubCommand[]): Argv<GlobalArguments> {
  for (const command of commands) yargs.command(command as never);
  const missing = 'the command needs more: %s words were given and %s are needed (`--help` says which)';
  yargs.updateStrings({
    'Not enough non-option arguments: got %s, need at least %s': { one: missing, other: missing } as never,
  });
  return yargs.demandCommand(1, 'say what to do: `flotilla store --help` lists the commands').strict();
}
