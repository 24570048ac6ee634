// Decides when a silent leader is asked for on the bus: nobody subscribed to its messages any more is a hint that its
// process is gone, long before an election timeout says so. Never calls a leader dead that is only slow: a false hint
// costs an election at worst, and the core does not trust it with more.
import type { ActorContext } from '../../../lib/actor/context.ts';
import { BusError } from '../../../lib/bus/bus.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';

/** At every tick after the one in which it was heard: it costs a message that is answered only when nobody is there. */
const SILENT_MS = 60;
const AGAIN_MS = 50;
const ANSWER_MS = 500;

export class LeaderWatch {
  private readonly ctx: ActorContext;
  private readonly gone: (leader: string) => void;
  private heardAt = 0;
  private askedAt = 0;

  constructor(ctx: ActorContext, gone: (leader: string) => void) {
    this.ctx = ctx;
    this.gone = gone;
  }

  heard(): void {
    this.heardAt = this.ctx.clock.monotonic();
  }

  /** `leader`: whom this member follows; '' or itself: nothing to watch. */
  tick(now: number, leader: string): void {
    const { bus, instance, cluster } = this.ctx;
    if (leader === '' || leader === instance || !bus.connected) return;
    if (now - this.heardAt < SILENT_MS || now - this.askedAt < AGAIN_MS) return;
    this.askedAt = now;
    // Not a message of Raft: a member that lives drops it, unanswered. Only "no responders" is an answer.
    const subject = subjectOf(cluster, 'raft', { to: leader, from: instance, type: 'presence' });
    bus.request(subject, {}, { timeoutMs: ANSWER_MS }).catch((error: unknown) => {
      if (error instanceof BusError && error.kind === 'no-responders') this.gone(leader);
    });
  }
}
