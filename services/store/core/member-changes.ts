// Decides which change of members is safe: never one after which the living members are fewer than a majority, never two
// at once. Never carries one out (raft/core does, through a joint configuration).

export interface MembersView {
  voters: readonly string[];
  learners: readonly string[];
  /** Who was heard lately, the leader itself among them. */
  alive: ReadonlySet<string>;
  /** Learners that lack no more than what is under way. */
  caughtUp: ReadonlySet<string>;
}

export interface WantedMembers {
  voters: string[];
  learners: string[];
}

/** Why not, in words; or what to ask the core for; or 'done': it is so already. */
export type Decision = { refused: string } | { wanted: WantedMembers } | 'done';

export function decideAdd(view: MembersView, member: string, replaces: string | undefined): Decision {
  if (view.voters.includes(member) || view.learners.includes(member)) return 'done';
  if (replaces !== undefined && !view.voters.includes(replaces))
    return { refused: `${replaces} is no voter: the voters are ${view.voters.join(', ')}` };
  // A learner counts nowhere: adding one can take no majority away.
  return { wanted: { voters: [...view.voters], learners: [...view.learners, member] } };
}

export function decideRemove(view: MembersView, member: string): Decision {
  const without = (ids: readonly string[]): string[] => ids.filter((id) => id !== member);
  if (view.learners.includes(member)) return { wanted: { voters: [...view.voters], learners: without(view.learners) } };
  if (!view.voters.includes(member))
    return { refused: `${member} is no member: the members are ${[...view.voters, ...view.learners].join(', ')}` };
  const voters = without(view.voters);
  if (voters.length === 0) return { refused: `${member} is the last voter: without it there is no store` };
  const unsafe = whyNoMajority(view, voters);
  return unsafe === undefined
    ? { wanted: { voters, learners: [...view.learners] } }
    : { refused: `removing ${member} would stop every write: ${unsafe}` };
}

/** The next learner that may become a voter; undefined: none now. `replaces`: who leaves in the same step. */
export function decidePromotion(view: MembersView, replaces: ReadonlyMap<string, string>): WantedMembers | undefined {
  for (const learner of view.learners) {
    if (!view.caughtUp.has(learner)) continue;
    const leaving = replaces.get(learner);
    const voters = [...view.voters.filter((id) => id !== leaving), learner];
    if (whyNoMajority(view, voters) !== undefined) continue;
    return { voters, learners: view.learners.filter((id) => id !== learner) };
  }
  return undefined;
}

function whyNoMajority({ alive }: MembersView, voters: readonly string[]): string | undefined {
  const living = voters.filter((id) => alive.has(id));
  if (living.length * 2 > voters.length) return undefined;
  const silent = voters.filter((id) => !alive.has(id));
  return `of ${voters.join(', ')} only ${living.length} would answer (silent: ${silent.join(', ')}); start these first`;
}
