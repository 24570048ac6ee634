// Decides what is left of a disk after the power is cut: of what was not synced, any subset of sectors and any prefix
// of the directory's changes. Never touches a real file: tests and the simulator run storage on it.
import type { Chance } from '../../lib/base/chance.ts';
import type { Disk, DiskFile } from './disk.ts';

export const SECTOR_BYTES = 512;

export type DiskCall = 'open' | 'read' | 'write' | 'datasync' | 'truncate' | 'list' | 'rename' | 'remove' | 'sync-dir';

/** Asked before every call: may throw (the call fails, nothing happens) or crash the machine in its middle. */
export type DiskFault = (call: DiskCall, path: string) => undefined | 'crash' | Error;

export class MachineCrashedError extends Error {
  constructor() {
    super('the machine of this disk has crashed');
    this.name = 'MachineCrashedError';
  }
}

type Change = { type: 'write'; offset: number; data: Uint8Array } | { type: 'truncate'; size: number };

interface Inode {
  number: number;
  durable: Uint8Array;
  current: Uint8Array;
  /** Since the last datasync, oldest first. */
  pending: Change[];
}

type NameChange = { path: string; inode: Inode | undefined };

export class MemoryDisk implements Disk {
  fault: DiskFault = () => undefined;
  /** Awaited before each call's effect: a slow or stalled disk. */
  delay: ((call: DiskCall, path: string) => Promise<void>) | undefined = undefined;
  readonly calls = { total: 0, datasync: 0, write: 0, bytesWritten: 0 };
  private names = new Map<string, Inode>();
  private durableNames = new Map<string, Inode>();
  private pendingNames: NameChange[][] = [];
  private nextInode = 1;
  private life = 0;
  private crashed = false;

  /** Cuts the power and starts the machine again; open files are void. `keepAll`: only the process died. */
  restart(chance: Chance, options: { keepAll?: boolean } = {}): void {
    if (options.keepAll !== true) this.loseUnsynced(chance);
    this.life++;
    this.crashed = false;
  }

  /** Flips one bit of what is on the disk, past every cache. */
  flipBit(path: string, offset: number, bit: number): void {
    const inode = this.names.get(path);
    if (inode === undefined || offset >= inode.current.length) throw new Error(`no byte ${offset} in ${path}`);
    inode.current[offset]! ^= 1 << bit;
    if (offset < inode.durable.length) inode.durable[offset]! ^= 1 << bit;
  }

  /** Overwrites what is on the disk, past every cache: as a write does that was meant for another place. */
  overwrite(path: string, offset: number, data: Uint8Array): void {
    const inode = this.names.get(path);
    if (inode === undefined) throw new Error(`there is no ${path}`);
    inode.current = applyChange(inode.current, { type: 'write', offset, data });
    inode.durable = applyChange(inode.durable, { type: 'write', offset, data });
  }

  /** Cuts off the end of a file that is on the disk, past every cache. */
  shorten(path: string, size: number): void {
    const inode = this.names.get(path);
    if (inode === undefined) throw new Error(`there is no ${path}`);
    inode.current = inode.current.slice(0, size);
    inode.durable = inode.durable.slice(0, size);
  }

  /** Everything that is on it, as a backup would hold it. */
  backup(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.names].map(([path, { current }]) => [path, current.slice()]));
  }

  /** Empty, or with the files of a backup: other files than those that were saved, with the same content. */
  replace(files: ReadonlyMap<string, Uint8Array>): void {
    this.names = new Map();
    for (const [path, bytes] of files)
      this.names.set(path, { number: this.nextInode++, durable: bytes.slice(), current: bytes.slice(), pending: [] });
    this.durableNames = new Map(this.names);
    this.pendingNames = [];
    this.life++;
  }

  /** Loses a directory entry, as a broken directory block would. */
  lose(path: string): void {
    this.names.delete(path);
    this.durableNames.delete(path);
  }

  /**
   * What a failed fsync of a file leaves behind on many file systems: its unsynced pages count as clean, so that readers still see them,
   * later fsyncs succeed, and a power cut loses them.
   */
  forgetPending(path: string): void {
    const inode = this.names.get(path);
    if (inode !== undefined) inode.pending = [];
  }

  /** Bytes that were written since the last sync, or tried to. */
  unsyncedBytes(path: string): number {
    const pending = this.names.get(path)?.pending ?? [];
    return pending.reduce((sum, change) => sum + (change.type === 'write' ? change.data.length : 0), 0);
  }

  /** Names of all files, sorted. */
  paths(): string[] {
    return [...this.names.keys()].toSorted();
  }

  contents(path: string): Uint8Array | undefined {
    return this.names.get(path)?.current;
  }

  async open(path: string, options: { create: boolean }): Promise<DiskFile> {
    await this.enter('open', path, () => {
      if (!options.create) return;
      if (this.names.has(path)) throw new Error(`EEXIST: file already exists, open '${path}'`);
      this.rename1([
        {
          path,
          inode: { number: this.nextInode++, durable: new Uint8Array(0), current: new Uint8Array(0), pending: [] },
        },
      ]);
    });
    const inode = this.names.get(path);
    if (inode === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    return this.file(path, inode);
  }

  async list(directory: string): Promise<string[]> {
    await this.enter('list', directory, () => undefined);
    const prefix = `${directory}/`;
    return [...this.names.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length))
      .toSorted();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.enter('rename', from, () => {
      const inode = this.names.get(from);
      if (inode === undefined) throw new Error(`ENOENT: no such file or directory, rename '${from}'`);
      this.rename1([
        { path: from, inode: undefined },
        { path: to, inode },
      ]);
    });
  }

  async remove(path: string): Promise<void> {
    await this.enter('remove', path, () => {
      if (this.names.has(path)) this.rename1([{ path, inode: undefined }]);
    });
  }

  async identify(path: string): Promise<string> {
    return String(this.names.get(path)?.number ?? '');
  }

  async makeDirectory(): Promise<void> {}

  async syncDirectory(path: string): Promise<void> {
    await this.enter('sync-dir', path, () => {
      this.durableNames = new Map(this.names);
      this.pendingNames = [];
    });
  }

  /** One change of names is atomic: all of `changes` or none survive a crash. */
  private rename1(changes: NameChange[]): void {
    applyNames(this.names, changes);
    this.pendingNames.push(changes);
  }

  private async enter(call: DiskCall, path: string, effect: () => void): Promise<void> {
    const life = this.life;
    await this.delay?.(call, path);
    if (this.crashed || life !== this.life) throw new MachineCrashedError();
    this.calls.total++;
    const fault = this.fault(call, path);
    if (fault instanceof Error) throw fault;
    // A crash in the middle of a call: the effect is in the cache (restart decides what of it is left), no answer comes.
    if (fault !== 'crash') return effect();
    if (call !== 'datasync' && call !== 'sync-dir') effect();
    this.crashed = true;
    throw new MachineCrashedError();
  }

  private file(path: string, inode: Inode): DiskFile {
    const life = this.life;
    const enter = async (call: DiskCall, effect: () => void): Promise<void> => {
      if (life !== this.life) throw new MachineCrashedError();
      await this.enter(call, path, effect);
    };
    const change = (pending: Change): void => {
      inode.current = applyChange(inode.current, pending);
      inode.pending.push(pending);
    };
    return {
      path,
      read: async (offset, length) => {
        await enter('read', () => undefined);
        return inode.current.slice(offset, offset + length);
      },
      write: (data, offset) =>
        enter('write', () => {
          this.calls.write++;
          this.calls.bytesWritten += data.length;
          change({ type: 'write', offset, data: data.slice() });
        }),
      datasync: () =>
        enter('datasync', () => {
          this.calls.datasync++;
          for (const pending of inode.pending) inode.durable = applyChange(inode.durable, pending);
          inode.pending = [];
        }),
      size: async () => inode.current.length,
      truncate: (size) => enter('truncate', () => change({ type: 'truncate', size })),
      close: async () => undefined,
    };
  }

  private loseUnsynced(chance: Chance): void {
    const kept = chance.int(this.pendingNames.length + 1);
    for (const changes of this.pendingNames.slice(0, kept)) applyNames(this.durableNames, changes);
    this.pendingNames = [];
    this.names = new Map(this.durableNames);
    for (const inode of new Set(this.names.values())) {
      for (const pending of inode.pending) inode.durable = tear(inode.durable, pending, chance);
      inode.current = inode.durable.slice();
      inode.pending = [];
    }
  }
}

function applyNames(names: Map<string, Inode>, changes: readonly NameChange[]): void {
  for (const { path, inode } of changes) {
    if (inode === undefined) names.delete(path);
    else names.set(path, inode);
  }
}

function applyChange(contents: Uint8Array, change: Change): Uint8Array {
  if (change.type === 'truncate') return resized(contents, change.size);
  const out = resized(contents, Math.max(contents.length, change.offset + change.data.length));
  out.set(change.data, change.offset);
  return out;
}

function resized(contents: Uint8Array, size: number): Uint8Array {
  if (contents.length === size) return contents;
  const out = new Uint8Array(size);
  out.set(contents.subarray(0, size));
  return out;
}

/** Each sector of an unsynced write survives or not; so does, by itself, the growth of the file. */
function tear(contents: Uint8Array, change: Change, chance: Chance): Uint8Array {
  if (chance.int(4) === 0) return chance.int(2) === 0 ? contents : applyChange(contents, change);
  if (change.type === 'truncate') return contents;
  const end = change.offset + change.data.length;
  const grows = end > contents.length && chance.int(3) > 0;
  const out = resized(contents, grows ? end : contents.length).slice();
  for (let at = change.offset; at < end;) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (chance.int(2) === 0 && at < out.length) {
      const piece = change.data.subarray(at - change.offset, Math.min(next, out.length) - change.offset);
      out.set(piece, at);
    }
    at = next;
  }
  return out;
}
