// Does: loads once everything that the actors and their supervisor will load, so that their compile cache is full before a dozen processes
// start at once: each would strip and compile the same files, and hold 25 MiB more for as long as it lives. Never runs
// an actor.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runtimesOf } from './core/runtimes.ts';
import { STARTED, SERVICES, type StartedActor } from '../services/index.ts';

/** Node keeps a cache for each set of V8's flags: what one process compiles is of no use to one that has others. */
async function primeEach(): Promise<void> {
  const self = fileURLToPath(import.meta.url);
  await Promise.all(
    runtimesOf(STARTED).map(({ flags, actors }) => promisify(execFile)(process.execPath, [...flags, self, ...actors])),
  );
}

async function load(actors: readonly StartedActor[]): Promise<void> {
  // The supervisor runs without flags; so do some actors.
  const supervisor = process.execArgv.length === 0 ? [import('./run-supervisor.ts')] : [];
  await Promise.all([import('./run-actors.ts'), ...supervisor, ...actors.map((actor) => SERVICES[actor]())]);
}

const actors = process.argv.slice(2) as StartedActor[];
await (actors.length === 0 ? primeEach() : load(actors));
