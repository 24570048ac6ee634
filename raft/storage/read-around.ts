// Does: reads around what a disk cannot read: a sector that stays unreadable is given as one that is damaged, so that all that
// is made for damage is made for it. Never used before the disk had its chances, and never for anything but reading.
import type { Disk, DiskFile } from './disk.ts';

/** What a disk fails at, at once. */
const SECTOR_BYTES = 4_096;
/** Not zeros: they would say that nothing was ever written there, and what was confirmed would be cut as torn. */
const UNREADABLE = 0xff;

export const isReadError = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'EIO';

/** `lost`: told of each part that could not be read. */
export function readAround(disk: Disk, lost: (path: string, offset: number, length: number) => void): Disk {
  return { ...disk, open: async (path, options) => around(await disk.open(path, options), lost) };
}

function around(file: DiskFile, lost: (path: string, offset: number, length: number) => void): DiskFile {
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    try {
      return await file.read(offset, length);
    } catch (error) {
      if (!isReadError(error)) throw error;
    }
    return inSectors(offset, Math.min(length, (await file.size()) - offset));
  };
  const inSectors = async (offset: number, length: number): Promise<Uint8Array> => {
    const out = new Uint8Array(Math.max(length, 0)).fill(UNREADABLE);
    for (let at = 0; at < length;) {
      const next = Math.min(length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES));
      try {
        out.set(await file.read(offset + at, next - at), at);
      } catch (error) {
        if (!isReadError(error)) throw error;
        lost(file.path, offset + at, next - at);
      }
      at = next;
    }
    return out;
  };
  return {
    path: file.path,
    read,
    write: (data, offset) => file.write(data, offset),
    datasync: () => file.datasync(),
    size: () => file.size(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    close: () => file.close(),
  };
}
