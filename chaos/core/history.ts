// Decides what the load's own history proves: acknowledged writes that were lost, reads that were stale, keys whose history
// no order explains. Never asks the cluster; a write without an answer may have happened.
import { keyModel, type KeyInput, type KeyOutput } from './key-model.ts';
import { checkLinearizable, type Operation } from './linearizability.ts';

export interface WriteEntry {
  type: 'write';
  client: string;
  key: string;
  /** Unique in the run: who reads it knows which write it was. */
  value: string;
  call: number;
  return: number;
  /** undefined: nobody said that it happened. */
  revision: number | undefined;
}

export interface ReadEntry {
  type: 'read';
  client: string;
  key: string;
  value: string | undefined;
  /** 0: there is none. */
  revision: number;
  call: number;
  return: number;
  /** After everything was healed: what the cluster holds in the end. */
  final?: boolean;
}

/** Answers that say that they may be old (read from a cache without a quorum) are no part of a history. */
export type Entry = WriteEntry | ReadEntry;

export interface HistoryVerdict {
  acknowledged: number;
  unanswered: number;
  reads: number;
  lost: WriteEntry[];
  stale: ReadEntry[];
  /** Keys, with what could not be placed. */
  unexplained: Array<{ key: string; why: string }>;
  /** Keys with an acknowledged write that nobody could read in the end. */
  unverified: string[];
}

export function checkHistory(entries: readonly Entry[]): HistoryVerdict {
  const verdict: HistoryVerdict = {
    acknowledged: 0,
    unanswered: 0,
    reads: 0,
    lost: [],
    stale: [],
    unexplained: [],
    unverified: [],
  };
  for (const [key, own] of Map.groupBy(entries, (entry) => entry.key)) checkKey(key, own, verdict);
  return verdict;
}

function checkKey(key: string, entries: readonly Entry[], verdict: HistoryVerdict): void {
  const writes = entries.filter((entry) => entry.type === 'write');
  const reads = entries.filter((entry) => entry.type === 'read');
  const acknowledged = writes.filter(({ revision }) => revision !== undefined);
  const final = reads.find((read) => read.final === true);
  verdict.acknowledged += acknowledged.length;
  verdict.unanswered += writes.length - acknowledged.length;
  verdict.reads += reads.length;
  if (final !== undefined) verdict.lost.push(...acknowledged.filter(({ revision }) => revision! > final.revision));
  else if (acknowledged.length > 0) verdict.unverified.push(key);
  verdict.stale.push(...staleReads(entries));
  const order = checkLinearizable(keyModel, operationsOf(writes, reads));
  if (!order.linearizable) verdict.unexplained.push({ key, why: order.stuck.map(told).join('; ') });
}

/** A read that shows less than what was acknowledged, or read, before it began. The final one tells of losses instead. */
function staleReads(entries: readonly Entry[]): ReadEntry[] {
  const known = entries.filter(({ revision }) => revision !== undefined).toSorted((a, b) => a.return - b.return);
  const reads = entries.filter((entry) => entry.type === 'read' && entry.final !== true) as ReadEntry[];
  let [floor, next] = [0, 0];
  return reads
    .toSorted((a, b) => a.call - b.call)
    .filter((read) => {
      while (next < known.length && known[next]!.return < read.call) floor = Math.max(floor, known[next++]!.revision!);
      return read.revision < floor;
    });
}

/**
 * A write without an answer whose value somebody read did happen, with the revision that was read, at any time after its call.
 * One that nobody read is left out: if it happened, another write hid it, which no order of the others can contradict.
 */
function operationsOf(
  writes: readonly WriteEntry[],
  reads: readonly ReadEntry[],
): Array<Operation<KeyInput, KeyOutput>> {
  const seen = new Map(reads.map(({ value, revision }) => [value, revision]));
  const placed = writes.flatMap((write): Array<Operation<KeyInput, KeyOutput>> => {
    const { client, key, value, call } = write;
    const revision = write.revision ?? seen.get(value);
    if (revision === undefined) return [];
    const end = write.revision === undefined ? Infinity : write.return;
    const input: KeyInput = { type: 'put', key, value };
    return [{ client, input, output: { type: 'changed', revision }, call, return: end }];
  });
  const asked = reads.map(({ client, key, value, revision, call, return: end }): Operation<KeyInput, KeyOutput> => ({
    client,
    input: { type: 'read', key },
    output: { type: 'read', value, revision },
    call,
    return: end,
  }));
  return [...placed, ...asked];
}

function told({ client, input, output, call }: Operation<KeyInput, KeyOutput>): string {
  const at = `${(call / 1000).toFixed(3)} s`;
  if (output?.type === 'read')
    return `${client} read ${output.value ?? 'nothing'} at revision ${output.revision} (${at})`;
  const revision = output?.type === 'changed' ? ` as revision ${output.revision}` : '';
  return `${client} wrote ${'value' in input ? input.value : ''}${revision} (${at})`;
}
