// Decides what a simulated member's disk holds: what was confirmed survives a crash, what was not may be lost. Never
// confirms a write by itself.
import type {
  AppendEffect,
  Effect,
  Entry,
  HardState,
  Index,
  LogReader,
  Restored,
  SnapshotDescription,
  Standing,
  Term,
} from '../../raft/core/index.ts';

export type Write = AppendEffect | Extract<Effect, { type: 'installSnapshot' }>;

export interface StoredSnapshot {
  description: SnapshotDescription;
  bytes: Uint8Array;
}

const WHOLE: Standing = { doubt: '', damagedThrough: 0, damagedTerm: 0, incarnation: 0 };

/** What a backup of a disk holds. */
export type DiskCopy = Pick<
  RaftDisk,
  'hardState' | 'snapshots' | 'entries' | 'firstIndex' | 'standing' | 'incarnation'
>;

export class RaftDisk {
  hardState: HardState = { term: 0, vote: '', commit: 0 };
  /** By index, oldest first; the last is the newest. */
  snapshots: StoredSnapshot[];
  entries: Entry[] = [];
  firstIndex: Index;
  /** Handed over and not done, oldest first. */
  queue: Write[] = [];
  staged: Uint8Array[] = [];
  /** While set, reads answer 'unavailable'. */
  unreadable = false;
  standing: Standing = { ...WHOLE };
  /** Of the last life that was begun from this disk. */
  incarnation = 0;
  private readonly first: SnapshotDescription;

  constructor(first: SnapshotDescription) {
    this.first = first;
    this.snapshots = [{ description: first, bytes: new Uint8Array() }];
    this.firstIndex = first.index + 1;
  }

  get lastIndex(): Index {
    return this.firstIndex + this.entries.length - 1;
  }

  get snapshot(): StoredSnapshot {
    return this.snapshots.at(-1)!;
  }

  entry(index: Index): Entry {
    const found = this.entries[index - this.firstIndex];
    if (found === undefined) throw new Error(`the disk holds ${this.firstIndex}..${this.lastIndex}, not ${index}`);
    return found;
  }

  readonly reader: LogReader = {
    term: (index): Term | 'compacted' | 'unavailable' => {
      if (index < this.firstIndex) return 'compacted';
      return this.unreadable ? 'unavailable' : this.entry(index).term;
    },
    entries: (from, to, maxBytes): Entry[] | 'compacted' | 'unavailable' => {
      if (from < this.firstIndex) return 'compacted';
      return this.unreadable ? 'unavailable' : this.slice(from, to, maxBytes);
    },
  };

  private slice(from: Index, to: Index, maxBytes: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      bytes += this.entry(index).data.length;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(this.entry(index));
    }
    return found;
  }

  /** Does the oldest write. */
  write(): Write {
    const write = this.queue.shift()!;
    this.hardState = write.hardState;
    if (write.standing !== undefined) {
      this.standing = write.standing;
      this.incarnation = Math.max(this.incarnation, write.standing.incarnation);
    }
    if (write.type === 'append') this.append(write);
    else this.install(write.snapshot);
    return write;
  }

  private append({ truncateFrom, entries }: AppendEffect): void {
    if (truncateFrom !== undefined) this.entries.length = truncateFrom - this.firstIndex;
    for (const entry of entries) {
      if (entry.index !== this.lastIndex + 1)
        throw new Error(`entry ${entry.index} is written after ${this.lastIndex}`);
      this.entries.push(entry);
    }
  }

  private install(description: SnapshotDescription): void {
    const bytes = new Uint8Array(description.sizeBytes);
    let offset = 0;
    for (const chunk of this.staged) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    if (offset !== description.sizeBytes) throw new Error(`snapshot ${description.index} has ${offset} staged bytes`);
    this.staged = [];
    this.snapshots.push({ description, bytes });
    this.entries = [];
    this.firstIndex = description.index + 1;
  }

  compact(throughIndex: Index): void {
    this.entries.splice(0, throughIndex + 1 - this.firstIndex);
    this.firstIndex = throughIndex + 1;
  }

  releaseSnapshot(index: Index): void {
    this.snapshots = this.snapshots.filter(({ description }) => description.index !== index);
  }

  /** Power is lost: of the writes under way, the first `kept` reached the disk, and nobody was told. */
  crash(kept: number): void {
    for (let i = 0; i < kept && this.queue.length > 0; i++) this.write();
    this.queue = [];
    this.staged = [];
    this.unreadable = false;
    this.snapshots = [this.snapshot];
  }

  /** Entries from `index` on can no longer be read; storage cuts them off and says so. */
  damage(index: Index): void {
    if (index > this.lastIndex) return;
    const { term } = this.entry(this.lastIndex);
    const { damagedThrough, damagedTerm } = this.standing;
    if (term > damagedTerm || (term === damagedTerm && this.lastIndex > damagedThrough))
      this.standing = { ...this.standing, damagedThrough: this.lastIndex, damagedTerm: term };
    this.entries.length = index - this.firstIndex;
    const { index: covered } = this.snapshot.description;
    if (this.lastIndex >= covered) return;
    this.entries = [];
    this.firstIndex = covered + 1;
  }

  /** Everything is gone, as on a new disk. */
  wipe(): void {
    this.putBack({
      hardState: { term: 0, vote: '', commit: 0 },
      snapshots: [{ description: this.first, bytes: new Uint8Array() }],
      entries: [],
      firstIndex: this.first.index + 1,
      standing: { ...WHOLE, doubt: 'newborn' },
      incarnation: 0,
    });
    this.standing = { ...this.standing, doubt: 'newborn' };
  }

  copy(): DiskCopy {
    const { hardState, snapshots, entries, firstIndex, standing, incarnation } = this;
    return { hardState, snapshots: [...snapshots], entries: [...entries], firstIndex, standing, incarnation };
  }

  /** A backup takes the place of what was here; storage sees that it is not the directory that it was written to. */
  putBack(copy: DiskCopy): void {
    Object.assign(this, copy, { snapshots: [...copy.snapshots], entries: [...copy.entries] });
    this.standing = { ...copy.standing, doubt: copy.standing.doubt || 'copied' };
    this.queue = [];
    this.staged = [];
  }

  restored(): Restored {
    return {
      hardState: this.hardState,
      snapshot: this.snapshot.description,
      firstIndex: this.firstIndex,
      lastIndex: this.lastIndex,
      configurationEntries: this.entries.filter((entry) => entry.kind === 'configuration'),
      damagedThrough: this.standing.damagedThrough,
      damagedTerm: this.standing.damagedTerm,
      doubt: this.standing.doubt || undefined,
    };
  }
}
