// Decides how a history is falsified, to see whether the check notices. Never touches the cluster: only the record of it.
import type { Entry, ReadEntry, WriteEntry } from './history.ts';

export const PLANTS = ['forget-write', 'lost-write', 'stale-read'] as const;
export type Plant = (typeof PLANTS)[number];

/** The same history with one lie in it. Throws when there is nothing to lie about: silence would look like a check. */
export function plant(entries: readonly Entry[], kind: Plant): Entry[] {
  const lied = LIES[kind](entries);
  if (lied === undefined)
    throw new Error(`--plant ${kind}: the load's history of ${entries.length} operations is too short for it`);
  return lied;
}

const LIES: Record<Plant, (entries: readonly Entry[]) => Entry[] | undefined> = {
  'forget-write': forgetWrite,
  'lost-write': loseWrite,
  'stale-read': makeStale,
};

const isAcknowledged = (entry: Entry): entry is WriteEntry & { revision: number } =>
  entry.type === 'write' && entry.revision !== undefined;
const isFinal = (entry: Entry): entry is ReadEntry => entry.type === 'read' && entry.final === true;

/** The recorder forgets a write that was acknowledged: the cluster holds what nobody is known to have written. */
function forgetWrite(entries: readonly Entry[]): Entry[] | undefined {
  const held = new Set(entries.filter(isFinal).map(({ value }) => value));
  const forgotten = entries.find((entry) => isAcknowledged(entry) && held.has(entry.value));
  return forgotten === undefined ? undefined : entries.filter((entry) => entry !== forgotten);
}

/** The recorder takes a write for acknowledged that never reached the cluster. */
function loseWrite(entries: readonly Entry[]): Entry[] | undefined {
  const last = entries.findLast(isFinal);
  if (last === undefined) return undefined;
  const phantom: WriteEntry = {
    type: 'write',
    client: 'planted',
    key: last.key,
    value: 'planted',
    call: last.call - 2,
    return: last.call - 1,
    revision: last.revision + 1,
  };
  return [...entries, phantom];
}

/** A read is recorded as if it had shown the write before the last one. */
function makeStale(entries: readonly Entry[]): Entry[] | undefined {
  const before = (read: Entry): WriteEntry[] =>
    entries
      .filter((entry) => isAcknowledged(entry) && entry.key === read.key && entry.return < read.call)
      .toSorted((a, b) => a.revision! - b.revision!) as WriteEntry[];
  const victim = entries.findLast(
    (entry) => entry.type === 'read' && entry.final !== true && before(entry).length > 1,
  ) as ReadEntry | undefined;
  if (victim === undefined) return undefined;
  const { value, revision = 0 } = before(victim).at(-2)!;
  return entries.map((entry) => (entry === victim ? { ...victim, value, revision } : entry));
}
