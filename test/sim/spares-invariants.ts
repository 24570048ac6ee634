// Decides, after every step of a leader, whether followers that a majority does not need are kept as they should be: told who leads,
// sent what was held back at a tick, asked when a majority is late, left out only while there is one. Never judges what is
// committed or read because of it (store-invariants.ts does): all of this could go wrong and cost nothing but time.
import { mayAppend, type Progress } from '../../raft/core/progress.ts';
import type { Effect, Index, Input, MemberId, Term } from '../../raft/core/index.ts';
import type { Leading, RaftState } from '../../raft/core/state.ts';

interface Leadership {
  raft: Readonly<RaftState>;
  term: Term;
  /** After the step before. */
  lastIndex: Index;
  /** When each follower was last told who leads, in ticks. */
  toldTicks: Map<MemberId, number>;
  /** The driver was told that somebody is left out, and has not come back yet. */
  leftOut: { index: Index; round: number; tick: number } | undefined;
}

/** A driver waits for much less than a tick; some ticks may come at once after a stall. */
const REVIEWED_TICKS = 20;

/** Why the step just made breaks a promise; undefined: it does not. */
export class SparesInvariants {
  /** Steps in which somebody was left out. */
  looked = 0;
  private readonly leaderships = new Map<MemberId, Leadership>();

  whyBroken(raft: Readonly<RaftState>, input: Input, effects: readonly Effect[]): string | undefined {
    const { leading } = raft;
    if (leading === undefined) {
      this.leaderships.delete(raft.id);
      return undefined;
    }
    const known = this.leaderships.get(raft.id);
    const own = known?.raft === raft && known.term === raft.term ? known : begin(raft, leading);
    this.leaderships.set(raft.id, own);
    const why =
      whyUntold(raft, leading, own, input, effects) ??
      whyUnsent(raft, leading, input) ??
      whyUnasked(raft, leading, own, input, effects) ??
      whyTooFew(raft, leading, own, input);
    own.lastIndex = raft.log.lastIndex;
    const isLeftOut = effects.some(({ type }) => type === 'sparesLeftOut');
    if (input.type === 'reviewSpares') own.leftOut = undefined;
    if (isLeftOut) {
      this.looked++;
      // A round that began later in the same step is looked at the next time.
      const { index, round } = leading.awaited ?? { index: raft.log.lastIndex, round: leading.round };
      own.leftOut = { index, round, tick: raft.ticks };
    }
    return why ?? whyUnwatched(raft, leading, own);
  }
}

function begin(raft: Readonly<RaftState>, leading: Readonly<Leading>): Leadership {
  const toldTicks = new Map([...leading.progress.keys()].map((id) => [id, raft.ticks]));
  return { raft, term: raft.term, lastIndex: raft.log.lastIndex, toldTicks, leftOut: undefined };
}

/** Everybody hears of the leader as often as the leader's heartbeats go: who does not stands for an election that nobody needs. */
function whyUntold(
  { id: own, ticks, heartbeatTicks }: Readonly<RaftState>,
  { progress }: Readonly<Leading>,
  { toldTicks }: Leadership,
  input: Input,
  effects: readonly Effect[],
): string | undefined {
  for (const effect of effects)
    if (effect.type === 'send' && effect.message.type === 'heartbeat') toldTicks.set(effect.message.to, ticks);
  for (const id of toldTicks.keys()) if (!progress.has(id)) toldTicks.delete(id);
  for (const id of progress.keys()) {
    const told = toldTicks.get(id) ?? ticks;
    toldTicks.set(id, told);
    if (input.type === 'tick' && ticks - told > heartbeatTicks)
      return `${own} has not told ${id} for ${ticks - told} ticks that it leads`;
  }
  return undefined;
}

/** It could be sent something that is in memory, and is not. */
function isHeldBack({ log, limits }: Readonly<RaftState>, progress: Progress): boolean {
  const lacks = progress.next <= log.lastIndex && progress.next > log.windowStart;
  return lacks && progress.state === 'replicate' && mayAppend(progress, limits);
}

function whyUnsent(raft: Readonly<RaftState>, { progress }: Readonly<Leading>, input: Input): string | undefined {
  if (input.type !== 'tick') return undefined;
  for (const [id, each] of progress)
    if (isHeldBack(raft, each)) return `${raft.id} holds ${each.next} and more back from ${id} over a tick`;
  return undefined;
}

/** A majority is late with what was new when somebody was left out: then all are asked. */
function whyUnasked(
  raft: Readonly<RaftState>,
  { progress, readRounds }: Readonly<Leading>,
  { leftOut }: Leadership,
  input: Input,
  effects: readonly Effect[],
): string | undefined {
  if (leftOut === undefined) return undefined;
  if (input.type === 'tick' && raft.ticks - leftOut.tick > REVIEWED_TICKS)
    return `${raft.id} left spares out ${raft.ticks - leftOut.tick} ticks ago, and nobody asks whether a majority is late`;
  if (input.type !== 'reviewSpares') return undefined;
  if (raft.commit < leftOut.index)
    for (const [id, each] of progress)
      if (each.next <= leftOut.index && isHeldBack(raft, each))
        return `a majority is late with ${leftOut.index}, and ${raft.id} still holds it back from ${id}`;
  const reading = readRounds[0]?.round;
  if (reading === undefined || reading > leftOut.round) return undefined;
  const asked = new Set(effects.map((effect) => effect.type === 'send' && effect.message.to));
  const unasked = [...progress.keys()].find((id) => !asked.has(id));
  if (unasked !== undefined) return `a majority is late with a read, and ${raft.id} does not ask ${unasked}`;
  return undefined;
}

/** What is held back and not committed is looked at again before the tick. */
function whyUnwatched(
  raft: Readonly<RaftState>,
  { progress }: Readonly<Leading>,
  { leftOut }: Leadership,
): string | undefined {
  const { id: own, commit, log } = raft;
  if (commit >= log.lastIndex || leftOut !== undefined) return undefined;
  for (const [id, each] of progress)
    if (isHeldBack(raft, each))
      return `${own} holds ${each.next} and more back from ${id}, and nobody will ask whether a majority is late`;
  return undefined;
}

/** Who is left out of something new is not needed: those who are sent it, and are known to be able to answer, are a majority. */
function whyTooFew(
  raft: Readonly<RaftState>,
  { progress }: Readonly<Leading>,
  own: Leadership,
  input: Input,
): string | undefined {
  if (input.type !== 'propose' || raft.log.lastIndex === own.lastIndex) return undefined;
  const { voters, outgoing } = raft.configurations.at(-1)!.configuration;
  const isLeftOut = (each: Progress): boolean => each.next === own.lastIndex + 1 && isHeldBack(raft, each);
  if (![...progress.values()].some(isLeftOut)) return undefined;
  const answers = (id: MemberId): boolean => {
    const each = progress.get(id);
    if (id === raft.id || each === undefined) return id === raft.id;
    return each.state === 'replicate' && each.doubt?.incarnation !== each.incarnation && !isLeftOut(each);
  };
  for (const ids of outgoing.length > 0 ? [voters, outgoing] : [voters]) {
    const some = ids.filter(answers).join(' ');
    if (ids.filter(answers).length * 2 <= ids.length)
      return `${raft.id} leaves others out of ${raft.log.lastIndex}, and only [${some}] can answer of [${ids.join(' ')}]`;
  }
  return undefined;
}
