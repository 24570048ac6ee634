// Decides when a call of a simulated process reaches its disk, and whether it fails: slow, stalled, full, failing. Never
// decides what a crash leaves (raft/storage/memory-disk.ts does).
import type { Disk, DiskFile } from '../../raft/storage/disk.ts';
import { MemoryDisk, SECTOR_BYTES, type DiskCall } from '../../raft/storage/memory-disk.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** Said by the simulator: whatever a process dies of because of it is no fault of its own. */
export class DiskTrouble extends Error {
  readonly code: string;

  constructor(code: string, what: string) {
    super(`${code}: ${what}`);
    this.code = code;
  }
}

/** One machine's disk: outlives the processes on it. */
export class MachineDisk {
  readonly memory = new MemoryDisk();
  latencyMs: { min: number; max: number };
  /** Of each kind of call. */
  failing: Partial<Record<DiskCall, number>> = {};
  isFull = false;
  stalled = false;
  /** A failed fsync may forget what it was asked to keep. What a power cut then loses cannot be had back from this disk. */
  mayLie = false;
  misdirectsNext = false;
  private waiting: (() => void)[] = [];
  private readonly world: World;
  private readonly usualLatencyMs: { min: number; max: number };

  constructor(world: World, usualLatencyMs: { min: number; max: number }) {
    this.world = world;
    this.usualLatencyMs = usualLatencyMs;
    this.latencyMs = usualLatencyMs;
  }

  /** The next write of the log goes to another place of the log or of a snapshot, and says that it is done. */
  private misdirects(path: string, data: Uint8Array, offset: number): boolean {
    if (!this.misdirectsNext || !path.endsWith('.segment')) return false;
    // Not what was moved aside as damaged: nobody reads it, and what lands there is seen by nobody.
    const targets = this.memory
      .paths()
      .filter((each) => /\/(log-\d+\.segment|snapshot-\d+)$/.test(each) && this.memory.contents(each)!.length > 1_024);
    if (targets.length === 0) return false;
    this.misdirectsNext = false;
    this.world.count('write-misdirected');
    const behind = (Math.floor((offset + data.length) / 512) + 1 + this.world.chance.int(3)) * 512;
    if (this.world.odds(0.5) && behind < this.memory.contents(path)!.length) {
      this.memory.overwrite(path, behind, data);
      return true;
    }
    const target = this.world.pick(targets);
    // The head of a snapshot is mostly empty: what lands there is seen by nobody and damages nothing.
    const first = target.endsWith('.segment') ? 0 : Math.min(8_192, this.memory.contents(target)!.length - 512);
    const sectors = (this.memory.contents(target)!.length - first) >> 9;
    if (sectors <= 0) return false;
    this.memory.overwrite(target, first + 512 * this.world.chance.int(sectors), data);
    return true;
  }

  unstall(): void {
    this.stalled = false;
    const { waiting } = this;
    this.waiting = [];
    for (const go of waiting) this.world.after(this.world.draw(0.05, 5), go);
  }

  quicken(): void {
    this.latencyMs = this.usualLatencyMs;
  }

  heal(): void {
    this.failing = {};
    this.mayLie = false;
    this.misdirectsNext = false;
    this.isFull = false;
    this.quicken();
    this.unstall();
  }

  /** The disk as one life of a process sees it. */
  attach(process: Process): Disk {
    const { memory } = this;
    const call = <T>(kind: DiskCall, path: string, run: () => Promise<T>): Promise<T> =>
      this.call(process, kind, path, run);
    const wrap = (file: DiskFile): DiskFile => ({
      path: file.path,
      read: (offset, length) => call('read', file.path, () => file.read(offset, length)),
      write: (data, offset) =>
        call('write', file.path, async () => {
          if (!this.misdirects(file.path, data, offset)) await file.write(data, offset);
        }),
      datasync: () => call('datasync', file.path, () => file.datasync()),
      size: () => file.size(),
      truncate: (size) => call('truncate', file.path, () => file.truncate(size)),
      close: () => file.close(),
    });
    return {
      open: (path, options) => call('open', path, async () => wrap(await memory.open(path, options))),
      list: (directory) => call('list', directory, () => memory.list(directory)),
      rename: (from, to) => call('rename', from, () => memory.rename(from, to)),
      remove: (path) => call('remove', path, () => memory.remove(path)),
      identify: (path) => memory.identify(path),
      makeDirectory: () => memory.makeDirectory(),
      syncDirectory: (path) => call('sync-dir', path, () => memory.syncDirectory(path)),
    };
  }

  private call<T>(process: Process, kind: DiskCall, path: string, run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!process.touch('disk')) return;
      const go = (): void => {
        if (!process.alive) return;
        if (this.stalled) {
          this.world.count('disk-call-stalled');
          this.waiting.push(go);
          return;
        }
        this.world.note(`disk ${process.name} ${kind} ${path}`);
        if (kind === 'datasync' && this.wouldTear(path) && !process.touch('log-sync')) return;
        const trouble = this.troubleFor(kind, path);
        if (trouble !== undefined) return process.enter(() => reject(trouble));
        run().then(
          (value) => process.touch('disk-done') && process.enter(() => resolve(value)),
          (error: unknown) => process.enter(() => reject(error)),
        );
      };
      this.world.after(this.world.draw(this.latencyMs.min, this.latencyMs.max), go);
    });
  }

  /** A batch of the log has been written that the power may cut in two: it lies in more sectors than one. */
  private wouldTear(path: string): boolean {
    return path.endsWith('.segment') && this.memory.unsyncedBytes(path) > SECTOR_BYTES;
  }

  private troubleFor(kind: DiskCall, path: string): DiskTrouble | undefined {
    if (this.isFull && (kind === 'write' || kind === 'open')) {
      this.world.count('disk-call-full');
      return new DiskTrouble('ENOSPC', 'no space left on device');
    }
    if (!this.world.odds(this.failing[kind] ?? 0)) return undefined;
    this.world.count(`disk-failed-${kind}`);
    // A failed fsync may have marked the pages clean: later ones succeed and the data is not on the disk.
    if (kind === 'datasync' && this.mayLie && this.world.odds(0.5)) {
      this.world.count('disk-fsync-forgot');
      this.memory.forgetPending(path);
    }
    return new DiskTrouble('EIO', `i/o error, ${kind}`);
  }
}
