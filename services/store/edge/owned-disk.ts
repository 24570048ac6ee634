// Does: remembers which files a member has open, so that a start that failed leaves none behind: a file that is only
// forgotten ends the process when the garbage collector finds it, long after the next start went well. Never closes a
// file of a member that runs.
import type { Disk, DiskFile } from '../../../raft/storage/disk.ts';

export interface OwnedDisk extends Disk {
  /** Closes whatever its owner has not closed. */
  closeAll(): Promise<void>;
}

export function ownedDisk(disk: Disk): OwnedDisk {
  const open = new Set<DiskFile>();
  const owned = (file: DiskFile): DiskFile => {
    open.add(file);
    return Object.assign(file, { close: closing(file, file.close.bind(file)) });
  };
  const closing = (file: DiskFile, close: () => Promise<void>) => (): Promise<void> => {
    open.delete(file);
    return close();
  };
  return {
    ...disk,
    open: async (path, options) => owned(await disk.open(path, options)),
    async closeAll() {
      await Promise.allSettled([...open].map((file) => file.close()));
    },
  };
}
