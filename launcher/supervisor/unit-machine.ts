// Decides the states of one supervised process: waiting → starting → running → draining → stopped, failed → starting
// again after a growing pause. Never starts, signals or watches a process: whoever runs the machine provides that.
import { assign, setup } from 'xstate';

export interface UnitContext {
  graceMs: number;
  /** Ends in a row without a stable run in between. */
  failures: number;
  restarts: number;
  why: string;
}

export type UnitEvent =
  /** Everything that it waits for is ready. */
  | { type: 'START' }
  /** Found alive from an earlier supervisor. */
  | { type: 'ADOPT' }
  | { type: 'READY' }
  | { type: 'EXIT'; why: string }
  | { type: 'STOP'; kill?: boolean };

/** Milliseconds before the next start: 0.25 s doubling to 15 s. */
export function backoffMs(failures: number): number {
  return Math.min(15_000, 250 * 2 ** Math.min(Math.max(failures - 1, 0), 10));
}

/** A process that ran this long is taken as healthy: its next end is its first. */
const STABLE_MS = 10_000;

const STOPS = [
  { guard: 'atOnce', target: 'draining', actions: 'kill' },
  { target: 'draining', actions: 'terminate' },
] as const;

export const unitMachine = setup({
  types: { context: {} as UnitContext, events: {} as UnitEvent, input: {} as { graceMs: number } },
  actions: {
    spawn: () => {},
    terminate: () => {},
    kill: () => {},
    failed: assign({
      failures: ({ context }) => context.failures + 1,
      why: ({ event }) => (event.type === 'EXIT' ? event.why : ''),
    }),
    restarted: assign({ restarts: ({ context }) => context.restarts + 1 }),
    calm: assign({ failures: 0, why: '' }),
  },
  guards: { atOnce: ({ event }) => event.type === 'STOP' && event.kill === true },
  delays: {
    backoff: ({ context }) => backoffMs(context.failures),
    grace: ({ context }) => context.graceMs,
    stable: STABLE_MS,
  },
}).createMachine({
  id: 'unit',
  initial: 'waiting',
  context: ({ input }) => ({ graceMs: input.graceMs, failures: 0, restarts: 0, why: '' }),
  states: {
    waiting: { on: { START: { target: 'starting', actions: 'spawn' }, ADOPT: 'starting', STOP: 'stopped' } },
    starting: {
      on: { READY: 'running', EXIT: { target: 'failed', actions: 'failed' }, STOP: STOPS },
    },
    running: {
      after: { stable: { actions: 'calm' } },
      on: { EXIT: { target: 'failed', actions: 'failed' }, STOP: STOPS },
    },
    failed: {
      after: { backoff: { target: 'starting', actions: ['restarted', 'spawn'] } },
      on: { START: { target: 'starting', actions: ['restarted', 'spawn'] }, STOP: 'stopped' },
    },
    draining: {
      after: { grace: { actions: 'kill' } },
      on: { EXIT: 'stopped', STOP: { guard: 'atOnce', actions: 'kill' } },
    },
    stopped: { on: { START: { target: 'starting', actions: ['calm', 'spawn'] } } },
  },
});
