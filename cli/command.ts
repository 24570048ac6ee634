// Decides the shape of a command: what yargs is told of it and what runs. Never holds a command.
import type { Argv, ArgumentsCamelCase } from 'yargs';
import type { SessionArguments } from './edge/session.ts';

/** Options that every command has. */
export type GlobalArguments = SessionArguments;

export interface Command<A = object> {
  /** `get [words..]`: yargs' positional syntax. */
  command: string | readonly string[];
  describe: string | false;
  builder?: (yargs: Argv<GlobalArguments>) => Argv<GlobalArguments & A>;
  handler: (args: ArgumentsCamelCase<GlobalArguments & A>) => Promise<void> | void;
}

/** Keeps a command's argument types together; the list of commands forgets them. */
export function defineCommand<A>(command: Command<A>): Command {
  return command as unknown as Command;
}
