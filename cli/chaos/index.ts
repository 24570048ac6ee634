// Decides what `flotilla chaos` can do: one line each, loaded when chaos is asked for. Never holds one.
import type { Command } from '../command.ts';

export const CHAOS_COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  quorum: async () => (await import('./quorum.ts')).quorumCommand,
  run: async () => (await import('./run.ts')).runCommand,
  heal: async () => (await import('./heal.ts')).healCommand,
};
