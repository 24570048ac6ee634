// Does: carries changes of members to their end while this member leads: add as a learner, promote when caught up, remove.
// Never decides what is safe (core/member-changes.ts), and keeps nothing that a new leader would lack: it finds the
// learners in the configuration and goes on.
import type { Clock } from '../../../lib/base/clock.ts';
import type { StoreOperation, StoreOperationReply } from '../../../lib/bus/messages.ts';
import {
  describeConfiguration,
  simpleConfiguration,
  type Effect,
  type Input,
  type RaftStatus,
} from '../../../raft/core/index.ts';
import {
  decideAdd,
  decidePromotion,
  decideRemove,
  type Decision,
  type MembersView,
  type WantedMembers,
} from '../core/member-changes.ts';
import type { Leadership } from './leadership.ts';
import { RAFT_LIMITS } from './member-options.ts';

export type MemberOperation = Extract<StoreOperation, { operation: 'addMember' | 'removeMember' }>;

/** Heard within this: alive. The election timeout at its longest. */
const ALIVE_TICKS = 20;
/** Entries under way at full load, roughly, and what is held back on purpose: who lacks no more would not slow the others down as a voter. */
const CAUGHT_UP_ENTRIES = 64 + RAFT_LIMITS.spareEntries;
const DECISION_MS = 8_000;
/** Between attempts to promote, when the core said no. */
const AGAIN_MS = 200;

interface Waiting {
  wanted: WantedMembers;
  deadline: number;
  answer: (reply: StoreOperationReply) => void;
}

export class Membership {
  private readonly clock: Clock;
  private readonly leadership: Leadership;
  private readonly status: () => RaftStatus;
  private readonly input: (input: Input) => void;
  private readonly promoted: (wanted: WantedMembers) => void;
  private readonly waiting = new Map<number, Waiting>();
  /** Learner → who leaves when it is promoted. Lost with the leadership: then both stay, and removing is asked for again. */
  private readonly replaces = new Map<string, string>();
  private nextId = 1;
  private promoteAt = 0;

  constructor(
    clock: Clock,
    leadership: Leadership,
    status: () => RaftStatus,
    input: (input: Input) => void,
    promoted: (wanted: WantedMembers) => void,
  ) {
    this.clock = clock;
    this.leadership = leadership;
    this.status = status;
    this.input = input;
    this.promoted = promoted;
  }

  /** Leader only. `answer` is called once, when the change is in force and committed. */
  add(operation: MemberOperation, answer: (reply: StoreOperationReply) => void): void {
    const view = viewOf(this.status());
    const decision: Decision =
      operation.operation === 'addMember'
        ? decideAdd(view, operation.member, operation.replaces)
        : decideRemove(view, operation.member);
    if (operation.operation === 'addMember' && operation.replaces !== undefined && !isRefused(decision))
      this.replaces.set(operation.member, operation.replaces);
    if (decision === 'done') return answer({ done: true });
    if ('refused' in decision) return answer(this.leadership.refusal('invalid', `does not do it: ${decision.refused}`));
    this.change(decision.wanted, answer);
  }

  decided(effect: Extract<Effect, { type: 'configurationAccepted' | 'configurationRefused' }>): void {
    if (effect.type === 'configurationAccepted') return;
    const waiting = this.waiting.get(effect.changeId);
    this.waiting.delete(effect.changeId);
    const isPassing = effect.reason !== 'invalid' && effect.reason !== 'noChange';
    waiting?.answer(
      this.leadership.refusal(isPassing ? 'overloaded' : 'invalid', `cannot change the members now: ${effect.message}`),
    );
  }

  tick(now: number): void {
    if (this.waiting.size > 0) this.settle(now);
    if (!this.leadership.leads || now < this.promoteAt || this.waiting.size > 0) return;
    const status = this.status();
    if (status.configuration.learners.length === 0 || status.configuration.outgoing.length > 0) return;
    const wanted = decidePromotion(viewOf(status), this.replaces);
    if (wanted === undefined) return;
    this.promoteAt = now + AGAIN_MS;
    this.promoted(wanted);
    this.change(wanted, () => {});
  }

  /** Leadership ended. The last act of a leader that removed itself: then what was wanted is so. */
  abandon(): void {
    this.settle(this.clock.monotonic());
    this.replaces.clear();
    for (const [id, { answer }] of this.waiting) {
      this.waiting.delete(id);
      answer(this.leadership.notLeader());
    }
  }

  stop(): void {
    for (const { answer } of this.waiting.values()) answer(this.leadership.refusal('stopping', 'is stopping'));
    this.waiting.clear();
  }

  private change(wanted: WantedMembers, answer: (reply: StoreOperationReply) => void): void {
    const changeId = this.nextId++;
    this.waiting.set(changeId, { wanted, deadline: this.clock.monotonic() + DECISION_MS, answer });
    this.input({ type: 'changeConfiguration', changeId, ...wanted });
  }

  private settle(now: number): void {
    const { configuration, configurationCommitted } = this.status();
    const inForce = configurationCommitted ? describeConfiguration(configuration) : '';
    for (const [id, { wanted, deadline, answer }] of this.waiting) {
      const isDone = inForce === describeConfiguration(simpleConfiguration(wanted.voters, wanted.learners));
      if (!isDone && deadline > now) continue;
      this.waiting.delete(id);
      const late = this.leadership.refusal('noQuorum', 'could not change the members in time; the change goes on');
      answer(isDone ? { done: true } : late);
    }
  }
}

const isRefused = (decision: Decision): boolean => decision !== 'done' && 'refused' in decision;

function viewOf({ id, configuration, followers, lastIndex }: RaftStatus): MembersView {
  const heard = followers.filter(({ heardTicksAgo }) => heardTicksAgo < ALIVE_TICKS);
  const caughtUp = heard.filter(
    // One in doubt has no vote to give yet: it would be a voter that counts against all others.
    ({ state, match, inDoubt }) => state === 'replicate' && !inDoubt && match + CAUGHT_UP_ENTRIES >= lastIndex,
  );
  return {
    voters: configuration.voters,
    learners: configuration.learners,
    alive: new Set([id, ...heard.map((follower) => follower.id)]),
    caughtUp: new Set(caughtUp.map((follower) => follower.id)),
  };
}
