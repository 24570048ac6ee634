// Does: stands before the real disk and fails or delays calls as this member is told: full, or slow. Never touches the
// core or the storage, which cannot tell it from a disk that is so.
import type { DiskFaults } from '../../../lib/actor/context.ts';
import { sleep, type Clock } from '../../../lib/base/clock.ts';
import type { Disk, DiskFile } from '../../../raft/storage/disk.ts';

export function faultyDisk(disk: Disk, faults: () => DiskFaults, clock: Clock): Disk {
  /** `needsSpace`: also what lies inside a file already, as on a file system that copies on write. */
  const enter = async (call: string, path: string, needsSpace: boolean): Promise<void> => {
    const { diskFull, diskSlowMs } = faults();
    if (diskSlowMs > 0) await sleep(clock, diskSlowMs);
    if (needsSpace && diskFull) throw noSpace(call, path);
  };
  const file = (inner: DiskFile): DiskFile => ({
    path: inner.path,
    read: (offset, length) => inner.read(offset, length),
    // A promise less where nothing is wrong: each batch comes through here.
    write(data, offset) {
      const { diskFull, diskSlowMs } = faults();
      if (!diskFull && diskSlowMs === 0) return inner.write(data, offset);
      return enter('write', inner.path, true).then(() => inner.write(data, offset));
    },
    async datasync() {
      await enter('fdatasync', inner.path, false);
      return inner.datasync();
    },
    size: () => inner.size(),
    truncate: (sizeBytes) => inner.truncate(sizeBytes),
    close: () => inner.close(),
  });
  return {
    ...disk,
    async open(path, options) {
      if (options.create) await enter('open', path, true);
      return file(await disk.open(path, options));
    },
    async syncDirectory(path) {
      await enter('fsync', path, false);
      return disk.syncDirectory(path);
    },
  };
}

/** As the kernel's error comes through Node. */
function noSpace(call: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOSPC: no space left on device, ${call} '${path}'`), {
    code: 'ENOSPC',
    errno: -28,
    syscall: call,
    path,
  });
}
