// Decides the show of quorum as a scenario: as many members die, one after the other, as it takes to lose the majority.
// Never plays it.
import type { FaultSpec, Scenario } from './scenario.ts';

const FIRST_MS = 4000;
const EACH_MS = 7000;
/** How long there is no majority. */
const WITHOUT_MS = 8000;
const BACK_MS = 4000;
const AFTER_MS = 8000;

/** Throws for a store that has no member to spare. */
export function quorumScenario(stores: number): Scenario {
  if (stores < 3)
    throw new Error(`quorum cannot be shown with ${stores} member: make a cluster with --stores 3 or --stores 5`);
  const majority = Math.floor(stores / 2) + 1;
  const spare = stores - majority;
  const dying = spare + 1;
  const lostMs = FIRST_MS + EACH_MS * spare;
  const backMs = lostMs + WITHOUT_MS;
  const faults = Array.from({ length: dying }, (_, i): FaultSpec => {
    const atMs = FIRST_MS + EACH_MS * i;
    // The last one to die comes back first: with it there is a majority again.
    return { atMs, forMs: backMs + BACK_MS * (dying - 1 - i) - atMs, fault: 'kill', target: 'leader' };
  });
  return {
    name: 'quorum',
    hypothesis:
      `of ${stores} members ${spare} may die, leaders even, and writes go on; with one more dead writes are refused, reads and ` +
      'pods go on, nothing acknowledged is lost; with a majority back all goes on',
    needs: { stores, nodes: 1, apiservers: 1, containers: false },
    load: { writers: 4, readers: 2, pauseMs: 20, service: 1, timeoutMs: 10_000 },
    lastsMs: backMs + BACK_MS * (dying - 1) + AFTER_MS,
    faults,
    acts: [],
    checks: [],
    mustHold: [
      // Nobody may write without a majority: a gap that is too short would be the alarm.
      { figure: 'longest write gap', is: 'at least', value: WITHOUT_MS / 2 },
      { figure: 'longest write gap', is: 'at most', value: WITHOUT_MS + 15_000 },
      { figure: 'longest read gap', is: 'at most', value: 8000 },
      { figure: 'pods disturbed', is: 'at most', value: 0 },
      { figure: 'containers restarted', is: 'at most', value: 0 },
      { figure: 'Service requests failed', is: 'at most', value: 0 },
    ],
    limitOfHarm: [{ figure: 'longest write gap', is: 'at most', value: 60_000 }],
  };
}
