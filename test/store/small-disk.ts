// Does: gives one member a file system of its own, an ext4 image in a file, that can be filled to the last byte and emptied
// again. Never outlives its test: `remove` unmounts it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MKFS = '/sbin/mkfs.ext4';

export class SmallDisk {
  readonly path: string;
  private readonly directory: string;

  /** Throws where nobody may mount. */
  constructor(megabytes: number) {
    this.directory = mkdtempSync(join(tmpdir(), 'flotilla-small-disk-'));
    this.path = join(this.directory, 'mounted');
    mkdirSync(this.path);
    const image = join(this.directory, 'image');
    try {
      writeFileSync(image, '');
      truncateSync(image, megabytes * 1_048_576);
      execFileSync(MKFS, ['-q', '-F', '-m', '0', image], { stdio: 'pipe' });
      execFileSync('mount', ['-o', 'loop', image, this.path], { stdio: 'pipe' });
    } catch (error) {
      rmSync(this.directory, { recursive: true, force: true });
      throw error;
    }
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes what is free, so that nothing can grow any more. */
  fill(): void {
    for (let left = this.freeBytes, i = 0; left > 0; i++) {
      const take = Math.max(left - (i % 2) * 4_096, 1_024);
      try {
        execFileSync('fallocate', ['-l', String(take), this.filler(i)], { stdio: 'pipe' });
      } catch {
        // What the file system needs for itself: a little less is taken in the next round.
        rmSync(this.filler(i), { force: true });
        if (i > 200) throw new Error(`${left} bytes of ${this.path} could not be taken`);
        left = Math.floor(Math.min(left, this.freeBytes) / 2);
        if (left < 4_096) return;
        continue;
      }
      left = this.freeBytes;
    }
  }

  empty(): void {
    for (let i = 0; i <= 201; i++) rmSync(this.filler(i), { force: true });
  }

  remove(): void {
    execFileSync('umount', ['-l', this.path], { stdio: 'pipe' });
    rmSync(this.directory, { recursive: true, force: true });
  }

  private filler(i: number): string {
    return join(this.path, `filler-${i}`);
  }
}
