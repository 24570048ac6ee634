// Decides what everything in a state but its living keys counts in the hash of it: the history, the sessions with the answers that
// are remembered, the leases, the limits. Never knows who asks: a state that changes and the bytes of a snapshot are asked alike.
import type { Outcome, Session } from './sessions.ts';
import { addHash, beginItem, endItem, hashText, mixLanes, mixNumber, mixText, type Hash64 } from './state-hash.ts';

// Kinds of items.
const REVISION = 1;
const SESSION = 2;
const ANSWER = 3;
const LEASE = 4;
const ATTACHED = 5;
const REST = 6;

/**
 * The keys as they were after a revision. All that is readable: so whatever a member holds of the past, older values of keys that were
 * written again since and deletions too, is what led from one of these to the next.
 */
export function revisionItem(item: Hash64, revision: number, keys: Hash64): void {
  beginItem(item, REVISION);
  mixLanes(item, keys);
  mixNumber(item, revision);
  endItem(item);
}

/** What the name of a session makes of the lanes: it begins the items of all its answers. */
export function sessionLanes(name: string): Hash64 {
  const lanes = { low: 0, high: 0 };
  beginItem(lanes, ANSWER);
  mixText(lanes, name);
  return lanes;
}

export function sessionItem(item: Hash64, { lanes, acknowledged, openedAt }: Session): void {
  beginItem(item, SESSION);
  mixLanes(item, lanes);
  mixNumber(item, acknowledged);
  mixNumber(item, openedAt);
  endItem(item);
}

/** Asked twice for each transaction: when its answer comes, and when it goes. */
export function answerItem(item: Hash64, { lanes }: Session, sequence: number, outcome: Outcome): void {
  item.low = lanes.low;
  item.high = lanes.high;
  mixNumber(item, sequence);
  if (typeof outcome === 'number') mixNumber(item, outcome);
  else {
    mixText(item, outcome.reason);
    if (outcome.reason === 'conflict') {
      mixText(item, outcome.key);
      mixNumber(item, outcome.current);
    } else mixText(item, outcome.message);
  }
  endItem(item);
}

/** The session and all its answers. */
export function addSession(sum: Hash64, session: Session): void {
  const item = { low: 0, high: 0 };
  sessionItem(item, session);
  addHash(sum, item);
  for (const [sequence, outcome] of session.results) {
    answerItem(item, session, sequence, outcome);
    addHash(sum, item);
  }
}

export function leaseItem(item: Hash64, id: string, ttlMs: number, deadlineMs: number): void {
  beginItem(item, LEASE);
  mixText(item, id);
  mixNumber(item, ttlMs);
  mixNumber(item, deadlineMs);
  endItem(item);
}

/** A key, by its lanes, goes with a lease. */
export function attachedItem(item: Hash64, key: Hash64, id: string): void {
  beginItem(item, ATTACHED);
  mixLanes(item, key);
  mixText(item, id);
  endItem(item);
}

export interface Rest {
  history: Hash64;
  sessions: Hash64;
  leases: Hash64;
  /** Of the sessions and the leases. */
  forgottenThrough: number;
  timeMs: number;
  /** Those that are written in the log; before that, members may have been given different ones. */
  limits: readonly number[];
}

export function restText({ history, sessions, leases, forgottenThrough, timeMs, limits }: Rest): string {
  const item = { low: 0, high: 0 };
  beginItem(item, REST);
  for (const sum of [history, sessions, leases]) mixLanes(item, sum);
  for (const number of [forgottenThrough, timeMs, ...limits]) mixNumber(item, number);
  endItem(item);
  return hashText(item);
}
