// Decides how one simulated member carries out what the core wants: a disk whose writes are done when the test says so, a
// state machine that is a chain of hashes, messages held back until their write is done. Never decides for the core.
import {
  createRaft,
  describeSnapshot,
  step,
  type Effect,
  type Entry,
  type Index,
  type Input,
  type MemberId,
  type Message,
  type RaftOptions,
  type RaftState,
} from '../../raft/core/index.ts';
import { RaftDisk, type StoredSnapshot } from './raft-disk.ts';

export type MemberOptions = Omit<RaftOptions, 'reader' | 'restored' | 'incarnation' | 'id'>;

/** What a member tells whoever watches it. `effect` comes before it is carried out. */
export interface MemberWatcher {
  stepped(member: RaftMember, input: Input, effects: readonly Effect[]): void;
  sent(member: RaftMember, message: Message): void;
}

const text = new TextDecoder();

/** One link more in the chain that stands for the state: FNV-1a over everything that was ever applied. */
function chain(hash: number, { index, term, kind, data }: Entry): number {
  let h = hash;
  for (const char of `${index}/${term}/${kind}/${text.decode(data)};`)
    h = Math.imul(h ^ char.charCodeAt(0), 0x01000193);
  return h >>> 0;
}

export class RaftMember {
  readonly id: MemberId;
  readonly disk: RaftDisk;
  raft: RaftState;
  alive = true;
  /** The state machine: what was applied last, and the chain up to there. */
  applied: Index = 0;
  state = 0x811c9dc5;
  /** While set, `applied` is not said at once. */
  slowApply = false;
  private held: { afterAppend: number; message: Message }[] = [];
  private readonly options: MemberOptions;
  private readonly watcher: MemberWatcher;

  constructor(id: MemberId, disk: RaftDisk, options: MemberOptions, watcher: MemberWatcher) {
    this.id = id;
    this.disk = disk;
    this.options = options;
    this.watcher = watcher;
    this.raft = this.create();
  }

  get incarnation(): number {
    return this.raft.incarnation;
  }

  private create(): RaftState {
    const { id, disk, options } = this;
    const incarnation = ++disk.incarnation;
    return createRaft({ ...options, id, incarnation, restored: disk.restored(), reader: disk.reader });
  }

  input(input: Input): void {
    if (!this.alive) return;
    const effects: Effect[] = [];
    step(this.raft, input, effects);
    this.watcher.stepped(this, input, effects);
    const followUps = effects.flatMap((effect) => this.carryOut(effect));
    for (const followUp of followUps) this.input(followUp);
  }

  /** Inputs that follow at once. */
  private carryOut(effect: Effect): Input[] {
    switch (effect.type) {
      case 'append':
      case 'installSnapshot':
        this.disk.queue.push(effect);
        return [];
      case 'send':
        if (effect.afterAppend === undefined) this.watcher.sent(this, effect.message);
        else this.held.push({ afterAppend: effect.afterAppend, message: effect.message });
        return [];
      case 'apply':
        return this.apply(effect.entries);
      case 'sendSnapshotChunk':
        this.sendChunk(effect);
        return [];
      case 'writeSnapshotChunk':
        return [this.stage(effect)];
      case 'compact':
        this.disk.compact(effect.throughIndex);
        return [];
      case 'releaseSnapshot':
        this.disk.releaseSnapshot(effect.index);
        return [];
      case 'sparesLeftOut': // The test says when that is long ago.
      case 'proposalAccepted':
      case 'proposalRefused':
      case 'readReady':
      case 'readFailed':
      case 'leaderChanged':
      case 'configurationChanged':
      case 'configurationAccepted':
      case 'configurationRefused':
      case 'transferEnded':
        return []; // For whoever asked; the watcher has seen it.
      default:
        return effect satisfies never;
    }
  }

  private apply(entries: Entry[]): Input[] {
    for (const entry of entries) {
      if (entry.index !== this.applied + 1) throw new Error(`${this.id} applies ${entry.index} after ${this.applied}`);
      this.state = chain(this.state, entry);
      this.applied = entry.index;
    }
    return this.slowApply ? [] : [{ type: 'applied', index: this.applied }];
  }

  private sendChunk({ message, lengthBytes }: Extract<Effect, { type: 'sendSnapshotChunk' }>): void {
    const { snapshot, offset } = message;
    const stored = this.disk.snapshots.find(({ description }) => description.index === snapshot.index);
    if (stored === undefined) throw new Error(`${this.id} should send snapshot ${snapshot.index}, which it has let go`);
    this.watcher.sent(this, { ...message, data: stored.bytes.subarray(offset, offset + lengthBytes) });
  }

  private stage({ snapshot, offset, data }: Extract<Effect, { type: 'writeSnapshotChunk' }>): Input {
    if (offset === 0) this.disk.staged = [];
    this.disk.staged.push(data);
    const { index, hash } = snapshot;
    return { type: 'snapshotChunkWritten', index, hash, nextOffset: offset + data.length };
  }

  /** The oldest write is done. */
  write(): void {
    if (!this.alive || this.disk.queue.length === 0) return;
    const { appendId, ...write } = this.disk.write();
    if (write.type === 'installSnapshot') this.loadSnapshot(this.disk.snapshot);
    const leaving = this.held.filter((each) => each.afterAppend <= appendId);
    this.held = this.held.filter((each) => each.afterAppend > appendId);
    for (const { message } of leaving) this.watcher.sent(this, message);
    this.input({ type: 'appended', appendId });
    if (write.type === 'installSnapshot') this.input({ type: 'applied', index: write.snapshot.index });
  }

  private loadSnapshot({ description, bytes }: StoredSnapshot): void {
    this.applied = description.index;
    this.state = description.index === 0 ? 0x811c9dc5 : Number(text.decode(bytes).split(' ')[0]);
  }

  /** A snapshot of the state machine as it is, padded to `sizeBytes`. */
  takeSnapshot(sizeBytes = 64): void {
    const described = describeSnapshot(this.raft, this.raft.applied);
    if (described === undefined || described.index <= this.disk.snapshot.description.index) return;
    if (this.raft.applied !== this.applied) return;
    const bytes = new TextEncoder().encode(`${this.state} `.padEnd(sizeBytes, '.'));
    const snapshot = { ...described, sizeBytes: bytes.length, hash: `${this.state}-${bytes.length}` };
    this.disk.snapshots.push({ description: snapshot, bytes });
    this.input({ type: 'snapshotTaken', snapshot });
  }

  /** Of the writes under way, `kept` reached the disk. */
  crash(kept = 0): void {
    this.alive = false;
    this.disk.crash(kept);
    this.held = [];
  }

  restart(): void {
    this.alive = true;
    this.disk.unreadable = false;
    this.loadSnapshot(this.disk.snapshot);
    this.raft = this.create();
  }
}
