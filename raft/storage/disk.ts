// Decides nothing: the shape of a disk as the storage sees it, so that tests and the simulator can own every call.
// Never promises durability without `datasync` (contents) and `syncDirectory` (names).

export interface DiskFile {
  readonly path: string;
  /** Bytes from `offset`; shorter than `length` only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Writes all of `data` at `offset`; a gap that it leaves reads as zeros. */
  write(data: Uint8Array, offset: number): Promise<void>;
  /** Resolves when contents and size are on the disk. After a rejection nothing may be assumed of what was unsynced. */
  datasync(): Promise<void>;
  size(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /**
   * `create`: the file must not exist; otherwise it must. `writesThrough`: each write will be followed by a `datasync`, and a disk
   * that can do both in one call may do so; what `datasync` promises stays the same.
   */
  open(path: string, options: { create: boolean; writesThrough?: boolean }): Promise<DiskFile>;
  /** Names in a directory, sorted. */
  list(directory: string): Promise<string[]>;
  /** Atomic; replaces an existing target. */
  rename(from: string, to: string): Promise<void>;
  /** Removing what does not exist is no error. */
  remove(path: string): Promise<void>;
  /** Makes missing parents too; existing is no error. */
  makeDirectory(path: string): Promise<void>;
  /** Names the file itself, not its path or its content: a copy of it has another one. '' = this disk cannot say. */
  identify(path: string): Promise<string>;
  /** Makes created, renamed and removed names of a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** What is on the disk contradicts what was once made durable: it must be neither served nor voted over. */
export class DamagedError extends Error {
  readonly path: string;
  readonly what: string;

  constructor(path: string, what: string) {
    super(
      `${path} is damaged: ${what}. This member must not serve from it or vote over it: others have to give it what it lost; ` +
        'a member that is alone needs a saved snapshot',
    );
    this.name = 'DamagedError';
    this.path = path;
    this.what = what;
  }
}
