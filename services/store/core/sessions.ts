// Decides whether a transaction was applied before, and with which answer (Raft thesis, 6.3). Never applies one.
import type { TxnResult } from '../../../lib/bus/messages.ts';
import type { StoreLimits } from './limits.ts';
import { addSession, answerItem, sessionItem, sessionLanes } from './rest-hash.ts';
import { addHash, subtractHash, type Hash64 } from './state-hash.ts';

/** The revision that a transaction left, or why nothing was done. A number in nearly every case: thousands are remembered. */
export type Outcome = number | Refusal;
type Distribute<T> = T extends { ok: false } ? Omit<T, 'sequence' | 'ok'> : never;
export type Refusal = Distribute<TxnResult>;

export function resultOf(sequence: number, outcome: Outcome): TxnResult {
  if (typeof outcome === 'number') return { sequence, ok: true, revision: outcome };
  return { sequence, ok: false, ...outcome };
}

export interface Session {
  /** Answers up to here are forgotten. */
  acknowledged: number;
  /** By sequence, oldest first. */
  results: Map<number, Outcome>;
  /** Index of the entry that it was first heard of in. */
  openedAt: number;
  /** In which life of the sessions it may be changed: one of an earlier life is being written, and a copy is changed. */
  life: number;
  /** Of its name. */
  readonly lanes: Hash64;
}

export class Sessions {
  /** The one that was silent longest first: what a Map keeps when each use takes it out and puts it in. */
  readonly byName = new Map<string, Session>();
  /** No session that is forgotten was first heard of after this index. */
  forgottenThrough = 0;
  /** Of all sessions and their answers. */
  readonly hash: Hash64 = { low: 0, high: 0 };
  /** Used again for each. */
  private readonly item: Hash64 = { low: 0, high: 0 };
  private life = 0;
  private readonly limits: StoreLimits;

  constructor(limits: StoreLimits) {
    this.limits = limits;
  }

  /**
   * undefined: it may be a session that has been forgotten. Then nobody can say any more which of its transactions were
   * applied. One that has had an answer was known once; one that began before the last that was forgotten may be that one.
   */
  use(
    name: string,
    { acknowledged, since }: { acknowledged: number; since: number },
    index: number,
  ): Session | undefined {
    const isNew = acknowledged === 0 && since >= this.forgottenThrough;
    const session = this.changeable(this.byName.get(name)) ?? (isNew ? this.open(name, index) : undefined);
    if (session === undefined) return undefined;
    this.byName.delete(name);
    this.byName.set(name, session);
    if (acknowledged > session.acknowledged) this.forgetThrough(session, acknowledged);
    return session;
  }

  /** All as they are now, however they change afterwards: so that they can be written a slice at a time. */
  frozen(): [string, Session][] {
    this.life++;
    return [...this.byName];
  }

  restore(name: string, described: Omit<Session, 'life' | 'lanes'>): void {
    const session = { ...described, life: this.life, lanes: sessionLanes(name) };
    this.byName.set(name, session);
    addSession(this.hash, session);
  }

  private changeable(session: Session | undefined): Session | undefined {
    if (session === undefined || session.life === this.life) return session;
    return { ...session, results: new Map(session.results), life: this.life };
  }

  remember(session: Session, sequence: number, outcome: Outcome): void {
    const { results } = session;
    results.set(sequence, outcome);
    answerItem(this.item, session, sequence, outcome);
    addHash(this.hash, this.item);
    if (results.size <= this.limits.resultsPerSession) return;
    const oldest = results.keys().next().value!;
    this.forgetAnswer(session, oldest);
    this.acknowledge(session, Math.max(session.acknowledged, oldest));
  }

  /** The remembered answer, 'forgotten' when it can't be known, undefined when the transaction is new. */
  answer(session: Session, sequence: number): Outcome | 'forgotten' | undefined {
    return session.results.get(sequence) ?? (sequence <= session.acknowledged ? 'forgotten' : undefined);
  }

  private open(name: string, index: number): Session {
    if (this.byName.size >= this.limits.sessions) this.forgetOldest();
    const lanes = sessionLanes(name);
    const session = { acknowledged: 0, results: new Map<number, Outcome>(), openedAt: index, life: this.life, lanes };
    addSession(this.hash, session);
    return session;
  }

  /** Who began it knew only indexes before the one that it was first heard of in. */
  private forgetOldest(): void {
    const [name, session] = this.byName.entries().next().value!;
    this.byName.delete(name);
    const gone = { low: 0, high: 0 };
    addSession(gone, session);
    subtractHash(this.hash, gone);
    this.forgottenThrough = Math.max(this.forgottenThrough, session.openedAt);
  }

  private forgetThrough(session: Session, acknowledged: number): void {
    for (const sequence of session.results.keys()) if (sequence <= acknowledged) this.forgetAnswer(session, sequence);
    this.acknowledge(session, acknowledged);
  }

  private forgetAnswer(session: Session, sequence: number): void {
    answerItem(this.item, session, sequence, session.results.get(sequence)!);
    subtractHash(this.hash, this.item);
    session.results.delete(sequence);
  }

  private acknowledge(session: Session, acknowledged: number): void {
    sessionItem(this.item, session);
    subtractHash(this.hash, this.item);
    session.acknowledged = acknowledged;
    sessionItem(this.item, session);
    addHash(this.hash, this.item);
  }
}
