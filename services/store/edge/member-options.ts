// Decides what a member of the store is run with: its timing, its limits, and what whoever starts it may choose. Never reads
// a setting itself.
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import type { Effect, Input, RaftLimits, RaftState } from '../../../raft/core/index.ts';
import type { Disk } from '../../../raft/storage/disk.ts';
import type { LogOptions } from '../../../raft/storage/segmented-log.ts';
import { DEFAULT_STORE_LIMITS, type StoreLimits } from '../core/limits.ts';
import type { NextTurn } from './applier.ts';
import type { ScrubPace } from './scrub.ts';
import type { SnapshotPolicy } from './snapshotter.ts';

/**
 * Ticks of 50 ms: heartbeats each 100 ms, an election 500 to 1000 ms after the last. Members that are not needed for a majority
 * are asked when one is late by 10 ms: some times what a disk and the bus take, so that it is rare.
 */
export const TIMING = { tickMs: 50, lateMs: 10, heartbeatTicks: 2, electionTicks: { min: 10, max: 20 } } as const;

/** Entries hold many writes each: a thousand of them are some seconds of full load for a follower to catch up on. */
export const RAFT_LIMITS = {
  retainedEntries: 1_000,
  heldEntries: 10_000,
  spareEntries: 256,
  applyBytes: 1_048_576,
  /** A message is read at once by its receiver (READ_BYTES of lib/bus/lean-transport.ts). */
  appendBytes: 196_608,
  cachedBytes: 6_291_456,
} satisfies Partial<RaftLimits>;
/** For the successor to be told, when the own disk has failed. */
export const LAST_WORDS_MS = 200;
export const TRANSFER_MS = 1_500;
/** Keys whose old versions are forgotten in one tick while nothing is written: about a millisecond. */
export const TIDY_KEYS = 512;
/** A day: beyond it only count and bytes let a revision live. */
export const DEFAULT_AGE_SECONDS = 86_400;

export const DOUBTS = {
  newborn:
    'has an empty directory: it begins when all members of a new cluster are here, or when a leader has brought it up to date',
  copied: 'has a directory that was copied, and counts again when a leader has brought it up to date',
  lost: 'cannot know what it has promised, and counts again when a leader has brought it up to date',
} as const;

export interface MemberOptions {
  disk: Disk;
  /** What cannot be survived: the actor must end and be started again. */
  die: (error: Error) => void;
  /** Of the state until a leader writes others: the same on all members. */
  limits?: Partial<StoreLimits>;
  raftLimits?: Partial<RaftLimits>;
  log?: Partial<LogOptions>;
  snapshots?: SnapshotPolicy;
  /** How often everything on the disk is read again. */
  scrub?: ScrubPace;
  /** Lets others have their turn; the event loop's by default. */
  nextTurn?: NextTurn;
  /** Told of every step, before its effects are carried out: for whoever checks the algorithm's promises. */
  observe?: (raft: Readonly<RaftState>, input: Input, effects: readonly Effect[]) => void;
}

/** What this member was given; what the state begins with is what every member begins with (`options.limits`). */
export function limitsOf({ quotaBytes }: StoreSettings, { limits }: MemberOptions): StoreLimits {
  return { ...DEFAULT_STORE_LIMITS, ...limits, ...(quotaBytes === undefined ? {} : { quotaBytes }) };
}
