// Decides which elections are told as spans: those in which this member stands. Never traces a commit.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { OpenSpan } from '../../../lib/actor/tracer.ts';
import type { MemberId, Role, Term } from '../../../raft/core/index.ts';

export class ElectionTrace {
  private readonly ctx: ActorContext;
  private span: OpenSpan | undefined;

  constructor(ctx: ActorContext) {
    this.ctx = ctx;
  }

  changed(leader: MemberId, term: Term, role: Role): void {
    const { instance, tracer } = this.ctx;
    if (role === 'preCandidate' || role === 'candidate') {
      this.span ??= tracer.start({ verb: 'elect', kind: 'Store', name: instance });
      return;
    }
    if (this.span === undefined || leader === '') return;
    const won = role === 'leader';
    this.span.end({
      outcome: won ? 'changed' : 'unchanged',
      saw: `no leader, term ${term}`,
      did: [won ? `leads term ${term}` : `follows ${leader} in term ${term}`],
    });
    this.span = undefined;
  }
}
