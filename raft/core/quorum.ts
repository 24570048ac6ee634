// Decides what a majority has reached or voted, in simple and joint configurations. Never knows who asks or why.
import type { Configuration, MemberId } from './types.ts';

export type VoteResult = 'won' | 'lost' | 'pending';

/** The highest value that a majority of `ids` has reached; Infinity for nobody, so that an empty half never decides. */
function majorityValue(ids: readonly MemberId[], valueOf: (id: MemberId) => number): number {
  if (ids.length === 0) return Infinity;
  const values = ids.map(valueOf).sort((a, b) => a - b);
  return values[(ids.length - 1) >> 1]!;
}

/** The highest value that a quorum has reached: of both halves while the configuration is joint (Raft paper, section 6). */
export function quorumValue(configuration: Configuration, valueOf: (id: MemberId) => number): number {
  return Math.min(majorityValue(configuration.voters, valueOf), majorityValue(configuration.outgoing, valueOf));
}

function majorityVote(ids: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  const needed = (ids.length >> 1) + 1;
  let granted = 0;
  let open = 0;
  for (const id of ids) {
    const vote = votes.get(id);
    if (vote === true) granted++;
    else if (vote === undefined) open++;
  }
  if (ids.length === 0 || granted >= needed) return 'won';
  return granted + open >= needed ? 'pending' : 'lost';
}

/** 'won' needs both halves, 'lost' needs one. */
export function voteResult(configuration: Configuration, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  const results = [majorityVote(configuration.voters, votes), majorityVote(configuration.outgoing, votes)];
  if (results.includes('lost')) return 'lost';
  return results.includes('pending') ? 'pending' : 'won';
}
