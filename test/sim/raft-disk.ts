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
  Term,
} from '../../raft/core/index.ts';

export type Write = AppendEffect | Extract<Effect, { type: 'installSnapshot' }>;

export interface StoredSnapshot {
  description: SnapshotDescription;
  bytes: Uint8Array;
}

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
  damagedThrough: Index = 0;

  constructor(first: SnapshotDescription) {
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
    this.damagedThrough = Math.max(this.damagedThrough, this.lastIndex);
    this.entries.length = index - this.firstIndex;
    const { index: covered } = this.snapshot.description;
    if (this.lastIndex >= covered) return;
    this.entries = [];
    this.firstIndex = covered + 1;
  }

  restored(): Restored {
    return {
      hardState: this.hardState,
      snapshot: this.snapshot.description,
      firstIndex: this.firstIndex,
      lastIndex: this.lastIndex,
      configurationEntries: this.entries.filter((entry) => entry.kind === 'configuration'),
      damagedThrough: this.damagedThrough,
    };
  }
}
