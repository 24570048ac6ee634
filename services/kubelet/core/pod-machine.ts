// Decides where a pod is in its life on this node, from what is seen of it: an xstate machine whose one event is a look.
// Never decides what to do there (decide.ts does), and holds nothing that a new kubelet could not see again.
import { initialTransition, setup, transition } from 'xstate';

/** What a look at the pod shows. */
export interface PodFacts {
  /** Deleted, finished, rejected or over its deadline: it must come down. */
  mustStop: boolean;
  sandboxReady: boolean;
  initDone: boolean;
  /** Something of it runs, or is just being started. */
  isAlive: boolean;
  /** A sandbox or mounts are left. */
  holdsResources: boolean;
  /** Nobody needs its records any more: it is gone from the API. */
  isReleased: boolean;
  /** Container records or files are left. */
  hasRecords: boolean;
}

export type Lifecycle = 'preparing' | 'initializing' | 'running' | 'terminating' | 'cleaning' | 'ended' | 'gone';

type Look = { type: 'LOOK' } & PodFacts;
const mustStop = ({ event }: { event: Look }): boolean => event.mustStop;

const podMachine = setup({ types: { events: {} as Look } }).createMachine({
  id: 'pod',
  initial: 'preparing',
  states: {
    preparing: {
      on: {
        LOOK: [
          { guard: mustStop, target: 'terminating' },
          { guard: ({ event }) => event.sandboxReady, target: 'initializing' },
        ],
      },
    },
    initializing: {
      on: {
        LOOK: [
          { guard: mustStop, target: 'terminating' },
          { guard: ({ event }) => !event.sandboxReady, target: 'preparing' },
          { guard: ({ event }) => event.initDone, target: 'running' },
        ],
      },
    },
    running: {
      on: {
        LOOK: [
          { guard: mustStop, target: 'terminating' },
          // A lost sandbox (reboot) takes everything with it: begin again.
          { guard: ({ event }) => !event.sandboxReady, target: 'preparing' },
        ],
      },
    },
    terminating: { on: { LOOK: { guard: ({ event }) => !event.isAlive, target: 'cleaning' } } },
    cleaning: { on: { LOOK: { guard: ({ event }) => !event.holdsResources, target: 'ended' } } },
    ended: { on: { LOOK: { guard: ({ event }) => event.isReleased && !event.hasRecords, target: 'gone' } } },
    gone: { type: 'final' },
  },
});

/** Looks until nothing changes any more: an adopted pod that runs is `running` after its first look. */
export function lifecycleAfter(before: Lifecycle | undefined, facts: PodFacts): Lifecycle {
  let snapshot = before === undefined ? initialTransition(podMachine)[0] : podMachine.resolveState({ value: before });
  for (;;) {
    const [next] = transition(podMachine, snapshot, { type: 'LOOK', ...facts });
    if (next.value === snapshot.value) return next.value as Lifecycle;
    snapshot = next;
  }
}
