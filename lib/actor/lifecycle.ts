// Decides the states of an actor's life: connecting → running → draining → stopped, failed → connecting again. Never
// connects or restarts anything itself.
import { initialTransition, setup, transition, type SnapshotFrom } from 'xstate';

export type LifeEvent =
  | { type: 'STARTED' }
  | { type: 'FAILED'; why: string }
  | { type: 'RETRY' }
  | { type: 'STOP' }
  | { type: 'DRAINED' };

const lifeMachine = setup({ types: { events: {} as LifeEvent } }).createMachine({
  id: 'actor',
  initial: 'connecting',
  states: {
    connecting: { on: { STARTED: 'running', FAILED: 'failed', STOP: 'draining' } },
    running: { on: { FAILED: 'failed', STOP: 'draining' } },
    failed: { on: { RETRY: 'connecting', STOP: 'stopped' } },
    draining: { on: { DRAINED: 'stopped', FAILED: 'stopped' } },
    stopped: { type: 'final' },
  },
});

export type LifeSnapshot = SnapshotFrom<typeof lifeMachine>;

export function bornLife(): LifeSnapshot {
  return initialTransition(lifeMachine)[0];
}

export function nextLife(life: LifeSnapshot, event: LifeEvent): LifeSnapshot {
  return transition(lifeMachine, life, event)[0];
}

/** Milliseconds to wait before start number `failures + 1`: 0.2 s doubling to 10 s. */
export function restartDelayMs(failures: number): number {
  return Math.min(10_000, 200 * 2 ** Math.min(failures - 1, 6));
}
