// Decides the shape of a command: what yargs is told of it and what runs. Never holds a command.
import type { Argv, ArgumentsCamelCase } from 'yargs';
import type { SessionArguments } from './edge/session.ts';

/** Options that every command has. */
export type GlobalArguments = SessionArguments;

export interface Command<A = object> {
  /** `get [words..]`: yargs' positional syntax. */
  command: string | readonly string[];
  describe: string | false;
  builder?: (yargs: Argv<GlobalArguments>) => Argv<GlobalArguments & A> | Promise<Argv<GlobalArguments & A>>;
  handler: (args: ArgumentsCamelCase<GlobalArguments & A>) => Promise<void> | void;
}

/** Keeps a command's argument types together; the list of commands forgets them. */
export function defineCommand<A>(command: Command<A>): Command {
  return command as unknown as Command;
}

/** `-f`, as often as wanted. Not an `array` option: yargs would not take `-` (standard input) for a value of one. */
export const FILES = {
  type: 'string',
  nargs: 1,
  coerce: (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat()),
} as const;
