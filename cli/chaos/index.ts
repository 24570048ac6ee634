// Decides what `flotilla chaos` can do: one line each, loaded when chaos is asked for. Never holds one.
import type { Command } from '../command.ts';

export const CHAOS_COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  quorum: async () => (await import('./quorum.ts')).quorumCommand,
  run: async () => (await import('./run.ts')).runCommand,
  kill: async () => (await import('./kill.ts')).killCommand,
  pause: async () => (await import('./pause.ts')).pauseCommand,
  resume: async () => (await import('./resume.ts')).resumeCommand,
  restart: async () => (await import('./restart.ts')).restartCommand,
  partition: async () => (await import('./partition.ts')).partitionCommand,
  drop: async () => (await import('./messages.ts')).messagesCommand('drop'),
  delay: async () => (await import('./messages.ts')).messagesCommand('delay'),
  duplicate: async () => (await import('./messages.ts')).messagesCommand('duplicate'),
  reorder: async () => (await import('./messages.ts')).messagesCommand('reorder'),
  'disk-full': async () => (await import('./disk.ts')).diskFullCommand,
  'slow-disk': async () => (await import('./disk.ts')).slowDiskCommand,
  'bit-flip': async () => (await import('./bit-flip.ts')).bitFlipCommand,
  skew: async () => (await import('./skew.ts')).skewCommand,
  cut: async () => (await import('./cut.ts')).cutCommand,
  heal: async () => (await import('./heal.ts')).healCommand,
};
