// Decides how the disk's calls are made on a real file system. Never retries: an error of the kernel goes to the caller
// as it is, because after a failed fsync the page cache may hold what the disk does not (the fsyncgate lesson).
import { constants, write } from 'node:fs';
import { open, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Disk, DiskFile } from './disk.ts';

const { O_CREAT, O_DSYNC, O_EXCL, O_RDWR } = constants;

export interface NodeDiskOptions {
  /** false: datasync and syncDirectory do nothing. Only for tests that do not cut the power. */
  fsync: boolean;
}

export function nodeDisk(options: NodeDiskOptions): Disk {
  return {
    async open(path, { create, writesThrough = false }) {
      const isThrough = writesThrough && options.fsync;
      const flags = O_RDWR | (create ? O_CREAT | O_EXCL : 0) | (isThrough ? O_DSYNC : 0);
      // What an earlier process wrote into a file and did not sync is synced with the first datasync.
      return nodeFile(path, await open(path, flags), { ...options, isThrough, isSynced: create });
    },
    list: async (directory) => (await readdir(directory)).toSorted(),
    rename: (from, to) => rename(from, to),
    remove: (path) => rm(path, { force: true }),
    async makeDirectory(path) {
      await mkdir(path, { recursive: true });
    },
    async identify(path) {
      const { ino, birthtimeNs } = await stat(path, { bigint: true });
      return `${ino}.${birthtimeNs}`;
    },
    async syncDirectory(path) {
      if (!options.fsync) return;
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}

/** As `FileHandle.write`, which costs twice the processor time for its promises and its checks: this is called for each batch. */
function writeAll(fd: number, data: Uint8Array, offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    const writeRest = (): void =>
      write(fd, data, done, data.length - done, offset + done, (error, bytesWritten) => {
        done += bytesWritten;
        if (error !== null) reject(error);
        else if (done < data.length) writeRest();
        else resolve();
      });
    if (data.length === 0) resolve();
    else writeRest();
  });
}

/** `isThrough`: a write resolves when it is on the disk (O_DSYNC): one call of the kernel and one turn instead of two. */
function nodeFile(
  path: string,
  handle: FileHandle,
  { fsync, isThrough, isSynced }: NodeDiskOptions & { isThrough: boolean; isSynced: boolean },
): DiskFile {
  let hasUnsynced = !isThrough || !isSynced;
  return {
    path,
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      let got = 0;
      while (got < length) {
        const { bytesRead } = await handle.read(buffer, got, length - got, offset + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return buffer.subarray(0, got);
    },
    write: (data, offset) => writeAll(handle.fd, data, offset),
    async datasync() {
      if (!fsync || !hasUnsynced) return;
      hasUnsynced = !isThrough;
      try {
        await handle.datasync();
      } catch (error) {
        hasUnsynced = true;
        throw error;
      }
    },
    size: async () => (await handle.stat()).size,
    truncate(sizeBytes) {
      hasUnsynced = true;
      return handle.truncate(sizeBytes);
    },
    close: () => handle.close(),
  };
}
