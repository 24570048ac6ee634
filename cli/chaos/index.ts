// Decides what `flotilla chaos` can do: one line each, loaded when chaos is asked for. Never holds one.
import type { Command } from '../command.ts';

export const CHAOS_COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  heal: async () => (await import('./heal.ts')).healCommand,
};
