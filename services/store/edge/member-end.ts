// Decides how a member ends that cannot go on: at once, after a last word to a successor, or without its state, to be given
// another. Never ends it twice, and never lets it serve or vote meanwhile.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { AppendId, Input } from '../../../raft/core/index.ts';
import { DamagedError, type Disk } from '../../../raft/storage/disk.ts';
import { LAST_WORDS_MS } from './member-options.ts';
import { condemn } from './open-storage.ts';

export interface MemberEndEdges {
  disk: Disk;
  /** What cannot be survived: the actor must end and be started again. */
  die: (error: Error) => void;
  isStopped: () => boolean;
  abort: () => Promise<void>;
  input: (input: Input) => void;
}

export class MemberEnd {
  private readonly ctx: ActorContext<StoreSettings>;
  private readonly edges: MemberEndEdges;

  constructor(ctx: ActorContext<StoreSettings>, edges: MemberEndEdges) {
    this.ctx = ctx;
    this.edges = edges;
  }

  fail(error: unknown): void {
    if (this.edges.isStopped()) return;
    this.ctx.log.error({ error: messageOf(error) }, 'the store member cannot go on');
    void this.edges.abort().catch(() => undefined);
    this.edges.die(asError(error));
  }

  /** Lets the core name a successor, then ends: what is on this disk can be known only by reading it again. */
  storageFailed(appendId: AppendId, error: Error): void {
    this.ctx.log.error({ error: messageOf(error) }, 'the disk failed');
    this.edges.input({ type: 'appendFailed', appendId, reason: messageOf(error) });
    this.ctx.clock.timer(LAST_WORDS_MS, () => this.fail(error));
  }

  /** This member serves and votes no more: it comes back without a state, in doubt, and is given one by the leader. */
  takeOut(what: string): void {
    const { ctx, edges } = this;
    const error = new DamagedError(ctx.settings.dataDir, `the state is not that of the majority: ${what}`);
    ctx.log.error({ error: error.message }, 'this member takes itself out');
    ctx.tracer
      .start({ verb: 'takeOut', kind: 'Store', name: ctx.instance })
      .end({ outcome: 'changed', saw: what, did: ['stops serving and voting', 'asks for the state of the others'] });
    edges
      .abort()
      .then(() => condemn(ctx, edges.disk, error))
      .then(
        () => edges.die(error),
        (trouble: unknown) => edges.die(asError(trouble)),
      );
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(messageOf(error)));
