// Decides which commands there are: one line each, loaded when it is asked for. Never holds one.
import type { Command } from '../command.ts';

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).upCommand,
  down: async () => (await import('./down.ts')).downCommand,
  install: async () => (await import('./install.ts')).installCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  apply: async () => (await import('./apply.ts')).applyCommand,
  get: async () => (await import('./get.ts')).getCommand,
  describe: async () => (await import('./describe.ts')).describeCommand,
  delete: async () => (await import('./delete.ts')).deleteCommand,
  scale: async () => (await import('./scale.ts')).scaleCommand,
  rollout: async () => (await import('./rollout.ts')).rolloutCommand,
  logs: async () => (await import('./logs.ts')).logsCommand,
  exec: async () => (await import('./exec.ts')).execCommand,
  trace: async () => (await import('./trace.ts')).traceCommand,
  why: async () => (await import('./why.ts')).whyCommand,
  stop: async () => (await import('./stop.ts')).stopCommand,
  start: async () => (await import('./start.ts')).startCommand,
  chaos: async () => (await import('./chaos.ts')).chaosCommand,
  store: async () => (await import('./store.ts')).storeCommand,
  kubeconfig: async () => (await import('./kubeconfig.ts')).kubeconfigCommand,
  run: async () => (await import('./run.ts')).runCommand,
  supervise: async () => (await import('./supervise.ts')).superviseCommand,
};
