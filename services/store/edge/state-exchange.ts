// Does: tells the other members the hash of this one's state and hears theirs. Never decides who is right (core/state-check.ts
// does), nor what follows.
import type { Log } from '../../../lib/base/log.ts';
import {
  membersOf,
  RAFT_MESSAGE_VERSION,
  type Message,
  type RaftStatus,
  type StateHashes,
} from '../../../raft/core/index.ts';
import { HASH_TEXT } from '../core/state-hash.ts';
import { StateCheck, type Agreement } from '../core/state-check.ts';
import type { StateMachine } from '../core/state-machine.ts';

export type Answer = Exclude<Agreement, 'open'>;

export interface StateExchangeParts {
  clusterId: string;
  /** This member. */
  id: string;
  log: Log;
  status(): RaftStatus;
  state(): StateMachine;
  /** Whether this member's state may be told and judged now. */
  counts(): boolean;
  send(message: Message): void;
  /** A majority has another state: what differs. */
  contradicted(what: string): void;
}

export class StateExchange {
  readonly #check = new StateCheck();
  readonly #parts: StateExchangeParts;
  #asker: ((answer: Answer) => void) | undefined;

  constructor(parts: StateExchangeParts) {
    this.#parts = parts;
  }

  /** What the last difference without a majority was; '' = none. */
  get difference(): string {
    return this.#check.difference;
  }

  applied(index: number): void {
    this.#check.applied(index, this.#parts.state().hash);
  }

  /** The state was replaced. */
  reset(): void {
    this.#check.reset();
    this.#answered('silent');
  }

  /** Nobody is waited for any more. */
  stop(): void {
    this.#answered('silent');
  }

  /** What the others have where this member has this state now. One question at a time. */
  ask(): Promise<Answer> {
    const { appliedIndex, hash } = this.#parts.state();
    this.#check.ask(appliedIndex, hash);
    return new Promise((resolve) => (this.#asker = resolve));
  }

  /** Why a state that is offered cannot be right; '' = nothing speaks against it. */
  whyContradicted({ appliedIndex, hash }: StateMachine): string {
    if (!this.#check.isContradicted(appliedIndex, hash, this.#parts.status().configuration)) return '';
    return `a majority has another state than ${hash} after entry ${appliedIndex}`;
  }

  tick(): void {
    const { clusterId, id, state, status, counts, send } = this.#parts;
    const hashes = this.#check.tick(state().appliedIndex, () => state().hash);
    this.#listen();
    if (hashes.length === 0 || !counts()) return;
    const { configuration, term } = status();
    const header = { type: 'stateHashes', version: RAFT_MESSAGE_VERSION, clusterId } as const;
    const said = hashes.map(({ index, hash }) => ({
      index,
      hash: hash.slice(0, HASH_TEXT),
      rest: hash.slice(HASH_TEXT),
    }));
    for (const to of membersOf(configuration)) if (to !== id) send({ ...header, from: id, to, term, hashes: said });
    this.#judge();
  }

  heard({ from, hashes }: StateHashes): void {
    for (const { index, hash, rest = '' } of hashes) this.#check.hears(from, { index, hash: hash + rest });
    this.#listen();
    this.#judge();
  }

  #listen(): void {
    if (this.#asker === undefined) return;
    const { id, status } = this.#parts;
    const answer = this.#check.answer(id, status().configuration);
    if (answer !== 'open') this.#answered(answer);
  }

  #answered(answer: Answer): void {
    this.#asker?.(answer);
    this.#asker = undefined;
  }

  #judge(): void {
    const { id, log, status, counts, contradicted } = this.#parts;
    if (!counts()) return;
    const known = this.#check.difference;
    const verdict = this.#check.verdict(id, status().configuration.voters);
    if (verdict.found === 'wrong') return contradicted(verdict.text);
    if (verdict.found === 'different' && verdict.text !== known)
      log.error({ difference: verdict.text }, 'states differ, and no majority says which is right');
  }
}
