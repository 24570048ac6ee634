// Decides what a state is when it begins a new life in another cluster: the same keys and leases, no history, no sessions,
// and a revision that nobody can have seen before. Never changes the state that it is made from.
import { invariant } from '../../../lib/base/errors.ts';
import { StateMachine } from './state-machine.ts';

/** A revision that was given out in the old cluster after the saved one must never mean something else in the new one. */
export const DEFAULT_BUMP = 1_000_000_000;

/** Keys taken over in one turn of the generator. */
const TURN_KEYS = 1_000;

/** `index`: of the log entry that the new life begins with. Yields between turns. */
export function* rebase(state: StateMachine, index: number, bump: number): Generator<void, StateMachine, void> {
  const revision = state.revision + bump;
  invariant(bump >= 0 && Number.isSafeInteger(revision), 'revision % cannot go up by %', state.revision, bump);
  // Everything up to here is "compacted": a watcher of the old cluster is told so, and reads anew.
  const next = new StateMachine(state.limits, revision);
  next.appliedIndex = index;
  next.leases.advance(state.leases.timeMs);
  for (const { id, ttlMs, deadlineMs } of state.leases.described()) next.leases.restore(id, ttlMs, deadlineMs);
  let taken = 0;
  for (const { key, version } of state.versions.range('', '', state.revision)) {
    if (version.lease !== undefined) next.leases.attach(key, version.lease);
    next.versions.set(key, version.revision, version.createRevision, version.value!, version.lease);
    if (++taken % TURN_KEYS === 0) yield;
  }
  next.leases.forgetEmpty();
  next.history.begin();
  const { keysHash } = state;
  invariant(next.keysHash === keysHash, 'the keys have hash %, after they were taken over %', keysHash, next.keysHash);
  return next;
}
