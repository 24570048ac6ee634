// Does: makes this process the home of the actors whose files are given: real bus, clock, chance, exec and log; ends on
// SIGTERM and SIGINT. Never returns to its caller.
import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { connectNats } from '../bus/nats.ts';
import type { ActorName } from '../bus/subjects.ts';
import { systemExec } from '../exec/system-exec.ts';
import type { StartActor } from './context.ts';
import { hostActor } from './host.ts';
import { createLog } from './log.ts';
import type { ActorFile } from './settings.ts';
import { systemChance } from './system.ts';

type Services = Partial<Record<ActorName, () => Promise<{ start: StartActor<never> }>>>;

export interface ProcessHooks {
  /** Called once an instance serves for the first time. */
  started?(instance: string): void;
}

export async function runProcess(
  actorFiles: readonly string[],
  services: Services,
  hooks: ProcessHooks = {},
): Promise<never> {
  const files = actorFiles.map((path) => JSON.parse(readFileSync(path, 'utf8')) as ActorFile);
  const edges = {
    connect: (file: ActorFile, log: ReturnType<typeof createLog>) => connectNats(file.instance, file.nats, log),
    load: async (actor: ActorName) => {
      const load = services[actor];
      if (load === undefined) throw new Error(`there is no actor named ${actor}`);
      return (await load()).start;
    },
    log: (file: ActorFile) => createLog(file.logLevel, { instance: file.instance }),
    chance: systemChance,
    exec: systemExec,
  };
  const hosted = files.map((file) => hostActor(file, edges));
  for (const actor of hosted) void actor.started.then(() => hooks.started?.(actor.instance));
  const stop = async (code: number): Promise<void> => {
    await Promise.all(hosted.map((actor) => actor.stop()));
    process.exit(code);
  };
  process.on('SIGTERM', () => void stop(0));
  process.on('SIGINT', () => void stop(0));
  // A broken promise ends the life of every actor here; whoever started the process starts it again with backoff.
  process.on('uncaughtException', (error) => die(error));
  process.on('unhandledRejection', (error) => die(error));
  return new Promise<never>(() => {});

  function die(error: unknown): void {
    createLog('error', { instance: files.map((file) => file.instance).join(',') }).error(
      { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
      'broken promise: this process ends',
    );
    process.exit(70);
  }
}
