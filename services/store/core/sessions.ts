// Decides whether a transaction was applied before, and with which answer (Raft thesis, 6.3). Never applies one.
import type { TxnResult } from '../../../lib/bus/messages.ts';
import type { StoreLimits } from './limits.ts';

export interface Session {
  /** Answers up to here are forgotten. */
  acknowledged: number;
  /** By sequence, oldest first. */
  results: Map<number, TxnResult>;
  /** The revision of the store when it was first heard of, and of the last change that it made; 0 = none. */
  openedAt: number;
  changedAt: number;
}

export class Sessions {
  /** The one that was silent longest first: what a Map keeps when each use takes it out and puts it in. */
  readonly byName = new Map<string, Session>();
  /** No session that changed something and is forgotten was heard of after this revision; -1 = none is forgotten. */
  forgottenThrough = -1;
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
    revision: number,
  ): Session | undefined {
    const isNew = acknowledged === 0 && since > this.forgottenThrough;
    const session = this.byName.get(name) ?? (isNew ? this.open(revision) : undefined);
    if (session === undefined) return undefined;
    this.byName.delete(name);
    this.byName.set(name, session);
    if (acknowledged > session.acknowledged) forgetThrough(session, acknowledged);
    return session;
  }

  remember(session: Session, result: TxnResult): void {
    session.results.set(result.sequence, result);
    if (result.ok && result.revision > session.openedAt) session.changedAt = result.revision;
    if (session.results.size <= this.limits.resultsPerSession) return;
    const oldest = session.results.keys().next().value!;
    session.results.delete(oldest);
    session.acknowledged = Math.max(session.acknowledged, oldest);
  }

  /** The remembered answer, 'forgotten' when it can't be known, undefined when the transaction is new. */
  answer(session: Session, sequence: number): TxnResult | 'forgotten' | undefined {
    return session.results.get(sequence) ?? (sequence <= session.acknowledged ? 'forgotten' : undefined);
  }

  private open(revision: number): Session {
    if (this.byName.size >= this.limits.sessions) this.forgetOldest();
    return { acknowledged: 0, results: new Map(), openedAt: revision, changedAt: 0 };
  }

  /** One that has changed nothing is no loss. Each change is a later revision than its session's first: others can begin. */
  private forgetOldest(): void {
    const [name, { openedAt, changedAt }] = this.byName.entries().next().value!;
    this.byName.delete(name);
    if (changedAt > 0) this.forgottenThrough = Math.max(this.forgottenThrough, openedAt);
  }
}

function forgetThrough(session: Session, acknowledged: number): void {
  for (const sequence of session.results.keys()) if (sequence <= acknowledged) session.results.delete(sequence);
  session.acknowledged = acknowledged;
}
