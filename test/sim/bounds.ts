// Decides whether a member holds more than it has said that it ever would: every buffer of the algorithm has a bound, and what
// passes it is refused or waits. Never looks at memory itself.
import type { RaftState } from '../../raft/core/state.ts';

/** The first buffer that is over its bound; undefined: none is. One item larger than the bound may be alone in it. */
export function whyOverBound(raft: Readonly<RaftState>): string | undefined {
  const { limits, leading, applyOutstanding, applyOutstandingBytes, heldSnapshots, id } = raft;
  const over = (what: string, is: number, most: number): string | undefined =>
    is <= most ? undefined : `${id} holds ${is} ${what}, at most ${most} were allowed`;
  const lastApply = applyOutstanding.at(-1)?.bytes ?? 0;
  const own = over('bytes that are being applied', applyOutstandingBytes - lastApply, limits.applyOutstandingBytes);
  if (own !== undefined || leading === undefined) return own;
  const lastProposal = leading.uncommitted.at(-1)?.bytes ?? 0;
  return (
    over('uncommitted bytes', leading.uncommittedBytes, Math.max(limits.uncommittedBytes, lastProposal)) ??
    over('reads', leading.readCount, limits.pendingReads) ??
    over('old snapshots', heldSnapshots.length, leading.progress.size) ??
    whyOverPipeline(raft, over)
  );
}

function whyOverPipeline(
  { limits, leading }: Readonly<RaftState>,
  over: (what: string, is: number, most: number) => string | undefined,
): string | undefined {
  for (const [id, { inflight, inflightBytes, transfer }] of leading!.progress) {
    const last = inflight.at(-1)?.bytes ?? 0;
    const found =
      over(`messages for ${id}`, inflight.length, limits.inflightMessages) ??
      over(`bytes for ${id}`, inflightBytes - last, limits.inflightBytes) ??
      over(
        `snapshot bytes for ${id}`,
        transfer === undefined ? 0 : transfer.sent - transfer.acked,
        limits.snapshotWindowBytes + limits.snapshotChunkBytes,
      );
    if (found !== undefined) return found;
  }
  return undefined;
}
