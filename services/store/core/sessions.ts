// Decides whether a transaction was applied before, and with which answer (Raft thesis, 6.3). Never applies one.
import type { TxnResult } from '../../../lib/bus/messages.ts';
import type { StoreLimits } from './limits.ts';

export interface Session {
  /** Answers up to here are forgotten. */
  acknowledged: number;
  /** By sequence, oldest first. */
  results: Map<number, TxnResult>;
}

export class Sessions {
  /** The one that was silent longest first: what a Map keeps when each use takes it out and puts it in. */
  readonly byName = new Map<string, Session>();
  private readonly limits: StoreLimits;

  constructor(limits: StoreLimits) {
    this.limits = limits;
  }

  /**
   * undefined: a session that has been forgotten. A writer that has had an answer (`acknowledged` > 0) was known once, so
   * nobody can say any more which of its transactions were applied.
   */
  use(name: string, acknowledged: number): Session | undefined {
    const session = this.byName.get(name) ?? (acknowledged === 0 ? this.open() : undefined);
    if (session === undefined) return undefined;
    this.byName.delete(name);
    this.byName.set(name, session);
    if (acknowledged > session.acknowledged) forgetThrough(session, acknowledged);
    return session;
  }

  remember(session: Session, result: TxnResult): void {
    session.results.set(result.sequence, result);
    if (session.results.size <= this.limits.resultsPerSession) return;
    const oldest = session.results.keys().next().value!;
    session.results.delete(oldest);
    session.acknowledged = Math.max(session.acknowledged, oldest);
  }

  /** The remembered answer, 'forgotten' when it can't be known, undefined when the transaction is new. */
  answer(session: Session, sequence: number): TxnResult | 'forgotten' | undefined {
    return session.results.get(sequence) ?? (sequence <= session.acknowledged ? 'forgotten' : undefined);
  }

  private open(): Session {
    if (this.byName.size >= this.limits.sessions) this.byName.delete(this.byName.keys().next().value!);
    return { acknowledged: 0, results: new Map() };
  }
}

function forgetThrough(session: Session, acknowledged: number): void {
  for (const sequence of session.results.keys()) if (sequence <= acknowledged) session.results.delete(sequence);
  session.acknowledged = acknowledged;
}
