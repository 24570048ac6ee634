// Decides how the disk's calls are made on a real file system. Never retries: an error of the kernel goes to the caller
// as it is, because after a failed fsync the page cache may hold what the disk does not (the fsyncgate lesson).
import { open, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Disk, DiskFile } from './disk.ts';

export interface NodeDiskOptions {
  /** false: datasync and syncDirectory do nothing. Only for tests that do not cut the power. */
  fsync: boolean;
}

export function nodeDisk(options: NodeDiskOptions): Disk {
  return {
    async open(path, { create }) {
      return nodeFile(path, await open(path, create ? 'wx+' : 'r+'), options);
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

function nodeFile(path: string, handle: FileHandle, options: NodeDiskOptions): DiskFile {
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
    async write(data, offset) {
      let done = 0;
      while (done < data.length) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, offset + done);
        done += bytesWritten;
      }
    },
    async datasync() {
      if (options.fsync) await handle.datasync();
    },
    size: async () => (await handle.stat()).size,
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    close: () => handle.close(),
  };
}
