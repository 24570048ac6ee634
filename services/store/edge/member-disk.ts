// Does: brings together what a member does with its files beside writing the log: takes snapshots, sends, receives and gives
// them out, drops segments, and reads everything again once a day. Never decides when any of it is right.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type {
  Effect,
  Entry,
  Index,
  Input,
  Message,
  RaftStatus,
  SnapshotDescription,
} from '../../../raft/core/index.ts';
import type { RaftStorage } from '../../../raft/storage/storage.ts';
import type { StateMachine } from '../core/state-machine.ts';
import type { Applier } from './applier.ts';
import { ChunkSender } from './chunk-sender.ts';
import type { Leadership } from './leadership.ts';
import { MemberFiles } from './member-files.ts';
import type { MemberOptions } from './member-options.ts';
import { DEFAULT_SCRUB_PACE, Scrub } from './scrub.ts';
import { SnapshotExport } from './snapshot-export.ts';
import { DEFAULT_SNAPSHOT_POLICY, Snapshotter } from './snapshotter.ts';
import type { StateExchange } from './state-exchange.ts';

export interface MemberDiskParts {
  ctx: ActorContext<StoreSettings>;
  options: MemberOptions;
  storage: RaftStorage;
  leadership: Leadership;
  applier: Applier;
  states: StateExchange;
  status: () => RaftStatus;
  state: () => StateMachine;
  describe: (index: Index) => Pick<SnapshotDescription, 'index' | 'term' | 'configuration'> | undefined;
  /** True when a majority has confirmed that this member leads. */
  leadsStill: () => Promise<boolean>;
  input: (input: Input) => void;
  send: (message: Message) => void;
  /** The member must end: started again, it finds out what is left. */
  failed: (error: unknown) => void;
}

export type DiskEffect = Extract<
  Effect,
  { type: 'sendSnapshotChunk' | 'writeSnapshotChunk' | 'compact' | 'releaseSnapshot' }
>;

export class MemberDisk {
  readonly exports: SnapshotExport;
  private readonly parts: MemberDiskParts;
  private readonly snapshotter: Snapshotter;
  private readonly files: MemberFiles;
  private readonly chunks: ChunkSender;
  private readonly scrub: Scrub;

  constructor(parts: MemberDiskParts) {
    const { ctx, options, storage, leadership, applier, states, state, describe, leadsStill, input, send, failed } =
      parts;
    const { clock, chance, instance, settings, log } = ctx;
    this.parts = parts;
    this.snapshotter = new Snapshotter(
      {
        storage,
        state,
        describe,
        agree: () => states.ask(),
        taken: (snapshot) => this.snapshotTaken(snapshot),
        // Nothing rests on it: the log is still there, and a later one may succeed.
        failed: (error) => log.error({ error: messageOf(error) }, 'a snapshot could not be written'),
        wrong: failed,
        nextTurn: options.nextTurn,
      },
      options.snapshots ?? DEFAULT_SNAPSHOT_POLICY,
    );
    const prepare = (snapshot: SnapshotDescription): Promise<void> => this.prepare(snapshot);
    this.files = new MemberFiles({ storage, log, input, failed, prepare, decided: () => applier.forget() });
    this.exports = new SnapshotExport({
      clock,
      leadership,
      files: storage.snapshots,
      fresh: () => this.snapshotter.fresh(),
      confirm: leadsStill,
      own: { clusterId: settings.clusterId, member: instance },
    });
    this.chunks = new ChunkSender({ snapshots: storage.snapshots, send, damaged: failed, log });
    this.scrub = new Scrub({ storage, log, failed }, options.scrub ?? DEFAULT_SCRUB_PACE, chance.float());
  }

  applied(entry: Entry): void {
    this.snapshotter.applied(entry);
  }

  tick(now: number): void {
    this.exports.tick(now);
    this.snapshotter.consider();
    this.scrub.tick(now);
  }

  async stop(): Promise<void> {
    this.scrub.stop();
    await Promise.all([this.snapshotter.stop(), this.files.stop()]);
  }

  perform(effect: DiskEffect): void {
    switch (effect.type) {
      case 'sendSnapshotChunk':
        return this.chunks.sendChunk(effect.message, effect.lengthBytes);
      case 'writeSnapshotChunk':
        return this.files.writeChunk(effect);
      case 'compact':
        return this.files.compact(effect.throughIndex);
      case 'releaseSnapshot':
        return this.files.release(effect.index);
      default:
        return effect satisfies never;
    }
  }

  /** The state that a leader offers is made before it takes the place of anything. */
  private async prepare(snapshot: SnapshotDescription): Promise<void> {
    const { applier, states, storage } = this.parts;
    const state = await applier.prepare(snapshot, storage.snapshots.readStaged(snapshot));
    const why = states.whyContradicted(state);
    if (why !== '') throw new Error(`the snapshot is refused: ${why}`);
  }

  private snapshotTaken(snapshot: SnapshotDescription): void {
    const { ctx, input, status } = this.parts;
    ctx.log.info({ index: snapshot.index, sizeBytes: snapshot.sizeBytes }, 'snapshot taken');
    input({ type: 'snapshotTaken', snapshot });
    // One from the leader overtook it in this very moment.
    if (status().snapshotIndex !== snapshot.index) this.files.release(snapshot.index);
  }
}
