// Decides in which order the core's writes reach the disk, and which of them share one fsync: all that wait when the
// disk is free. Never confirms a write before it is durable, and never one after a write that failed.
import { messageOf } from '../../lib/base/errors.ts';
import type {
  AppendEffect,
  AppendId,
  Configuration,
  Effect,
  HardState,
  Restored,
  SnapshotDescription,
} from '../core/types.ts';
import { DamagedError, type Disk } from './disk.ts';
import { openLog } from './open-log.ts';
import { DEFAULT_LOG_OPTIONS, type LogOptions, type LogWrite, type SegmentedLog } from './segmented-log.ts';
import { salvage, type SalvageIdentity } from './salvage.ts';
import { SnapshotFiles } from './snapshot-files.ts';

export type InstallEffect = Extract<Effect, { type: 'installSnapshot' }>;
export type WriteEffect = AppendEffect | InstallEffect;

export interface StorageIdentity {
  clusterId: string;
  member: string;
  /** Who counts in a new cluster; ignored when the directory already holds a log. */
  firstVoters: readonly string[];
}

export interface StorageEvents {
  /** This write and all before it are durable. */
  appended(appendId: AppendId): void;
  /** Nothing will be written any more. */
  failed(appendId: AppendId, error: Error): void;
}

export interface OpenedStorage {
  storage: RaftStorage;
  restored: Restored;
  incarnation: number;
  /** What of an unconfirmed write was cut at this start. */
  tornTail: string | undefined;
  /** What was found damaged at this start and taken out of the way: others must give it back. */
  damage: string[];
}

/** Entry data that shares one fsync: more would delay the first of them. */
const GROUP_BYTES = 8_388_608;
const LATENCIES_KEPT = 512;

export class RaftStorage {
  readonly log: SegmentedLog;
  readonly snapshots: SnapshotFiles;
  /** Set before the first `submit`. */
  events: StorageEvents = { appended() {}, failed() {} };
  private readonly monotonic: () => number;
  private readonly latenciesMs: number[] = [];
  private queue: WriteEffect[] = [];
  private working: Promise<void> = Promise.resolve();
  private busy = false;
  private failure: Error | undefined;
  private batches = 0;

  private constructor(log: SegmentedLog, snapshots: SnapshotFiles, monotonic: () => number) {
    this.log = log;
    this.snapshots = snapshots;
    this.monotonic = monotonic;
  }

  /**
   * What is damaged is taken out of the way and said in `restored`. Throws DamagedError when this is the only member: then
   * nobody could give back what is lost.
   */
  static async open(
    disk: Disk,
    directory: string,
    identity: StorageIdentity,
    options: Partial<LogOptions> = {},
    monotonic: () => number = () => 0,
  ): Promise<OpenedStorage> {
    await disk.makeDirectory(directory);
    const damage: string[] = [];
    const snapshots = await SnapshotFiles.open(disk, directory, identity.clusterId).catch(async (error: unknown) => {
      if (!(error instanceof DamagedError)) throw error;
      await RaftStorage.condemn(disk, directory, identity, error);
      damage.push(error.message);
      return SnapshotFiles.open(disk, directory, identity.clusterId);
    });
    const own = identityOf(identity);
    // A member that is added later does not know yet who counts.
    const isNewborn = own.firstConfiguration.voters.join() !== identity.member;
    const last = snapshots.newest ?? { index: 0, term: 0 };
    const opened = await openLog(disk, directory, { ...own, isNewborn }, last, { ...DEFAULT_LOG_OPTIONS, ...options });
    const { log, standing } = opened;
    const snapshot = snapshots.newest ?? emptySnapshot(opened.firstConfiguration);
    if (opened.damage !== undefined) damage.push(opened.damage);
    return {
      storage: new RaftStorage(log, snapshots, monotonic),
      restored: {
        hardState: log.hardState,
        snapshot,
        firstIndex: log.table.firstIndex,
        lastIndex: log.table.lastIndex,
        configurationEntries: opened.configurationEntries,
        damagedThrough: standing.damagedThrough,
        damagedTerm: standing.damagedTerm,
        doubt: standing.doubt || undefined,
      },
      incarnation: opened.incarnation,
      tornTail: opened.tornTail,
      damage,
    };
  }

  /** The state itself is not what it should be: snapshot and log go out of the way, and the next `open` begins from nothing. */
  static async condemn(disk: Disk, directory: string, identity: StorageIdentity, error: DamagedError): Promise<void> {
    await salvage(disk, directory, identityOf(identity), error, { snapshots: true });
  }

  /** Begins a write; what is submitted while another is under way shares the next fsync. */
  submit(effect: WriteEffect): void {
    if (this.failure !== undefined) return;
    this.queue.push(effect);
    if (this.busy) return;
    this.busy = true;
    this.working = this.work();
  }

  /** Entries and writes that are not yet durable. */
  get pending(): number {
    return this.queue.length + (this.busy ? 1 : 0);
  }

  /** Of the latest batches, write and fsync together. */
  get batchP99Ms(): number {
    const sorted = this.latenciesMs.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  }

  get batchesWritten(): number {
    return this.batches;
  }

  /** Waits for writes under way. Nothing is written after it. */
  async close(): Promise<void> {
    await this.working;
    this.failure ??= new Error('the storage was closed');
    await this.log.close();
    await this.snapshots.close();
  }

  private async work(): Promise<void> {
    // One turn later, so that all effects of a step, and of steps in the same turn, are one batch; one more, so that what the
    // step said to others is on its way before this member is busy with its own disk.
    await Promise.resolve();
    await Promise.resolve();
    while (this.queue.length > 0) {
      const group = this.takeGroup();
      const { appendId } = group.at(-1)!;
      try {
        const began = this.monotonic();
        await this.write(group);
        this.latenciesMs[this.batches++ % LATENCIES_KEPT] = this.monotonic() - began;
      } catch (error) {
        this.failure = error instanceof Error ? error : new Error(messageOf(error));
        this.queue = [];
        this.busy = false;
        this.events.failed(group[0]!.appendId, this.failure);
        return;
      }
      this.events.appended(appendId);
    }
    this.busy = false;
  }

  /** An installation goes alone: the snapshot's name must be durable before the log is reset. */
  private takeGroup(): WriteEffect[] {
    if (this.queue[0]!.type === 'installSnapshot') return this.queue.splice(0, 1);
    let count = 0;
    let bytes = 0;
    for (const effect of this.queue) {
      if (effect.type === 'installSnapshot' || (count > 0 && bytes >= GROUP_BYTES)) break;
      bytes += effect.entries.reduce((sum, entry) => sum + entry.data.length, 0);
      count++;
    }
    return this.queue.splice(0, count);
  }

  private async write(group: readonly WriteEffect[]): Promise<void> {
    const first = group[0]!;
    if (first.type === 'installSnapshot') await this.snapshots.install(first.snapshot);
    await this.log.write(toLogWrites(group, this.log.hardState));
  }
}

/** Entries that may be committed here and not known to be after a start, until a leader tells it: none is lost by it. */
const HINT_ENTRIES = 64;

/** Term and vote are written whenever they change; the commit index is a hint and goes along now and then. */
function toLogWrites(group: readonly WriteEffect[], onDisk: HardState): LogWrite[] {
  let before = onDisk;
  return group.map((effect, i) => {
    const { hardState } = effect;
    const isLast = i === group.length - 1;
    const changed = hardState.term !== before.term || hardState.vote !== before.vote || effect.standing !== undefined;
    const write = changed || (isLast && hardState.commit - before.commit >= HINT_ENTRIES) ? hardState : undefined;
    before = write ?? before;
    if (effect.type === 'append')
      return {
        truncateFrom: effect.truncateFrom,
        entries: effect.entries,
        hardState: write,
        standing: effect.standing,
      };
    const { index, term } = effect.snapshot;
    return { reset: { index, term }, hardState: write, standing: effect.standing };
  });
}

function identityOf({ clusterId, member, firstVoters }: StorageIdentity): SalvageIdentity {
  return { clusterId, member, firstConfiguration: configurationOf(firstVoters) };
}

function configurationOf(voters: readonly string[]): Configuration {
  return { voters: [...new Set(voters)].toSorted(), outgoing: [], learners: [] };
}

function emptySnapshot(configuration: Configuration): SnapshotDescription {
  return { index: 0, term: 0, configuration, sizeBytes: 0, hash: '' };
}
