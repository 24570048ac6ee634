// Does: passes on what a container prints from now on, byte by byte, as it is printed: for attach. Never looks at lines:
// a prompt has no newline.
import { constants, watch } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { sleep, type Clock } from '../../../lib/base/clock.ts';

export interface OutputReader {
  mayGrow(): boolean;
  isCancelled(): boolean;
  write(data: Uint8Array): Promise<void>;
}

const CHUNK_BYTES = 65_536;
/** A change is told by the kernel; this is for what that misses, and for the container's end. */
const LOOK_MS = 200;

export class OutputFollower {
  readonly #file: FileHandle;
  readonly #change: FileChange;
  #offset: number;

  private constructor(file: FileHandle, change: FileChange, offset: number) {
    this.#file = file;
    this.#change = change;
    this.#offset = offset;
  }

  /** From the end of what is there now; the file itself comes with the first byte at the latest. */
  static async open(path: string): Promise<OutputFollower> {
    const file = await open(path, constants.O_RDONLY | constants.O_CREAT, 0o640);
    return new OutputFollower(file, new FileChange(path), (await file.stat()).size);
  }

  /** Until nothing more can come, or nobody wants it. Called once. */
  async follow(clock: Clock, reader: OutputReader): Promise<void> {
    try {
      while (!reader.isCancelled()) {
        // Asked before reading: what was written until the end is then in what is read.
        const mayGrow = reader.mayGrow();
        const changed = this.#change.next(clock);
        const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.#offset);
        this.#offset += bytesRead;
        if (bytesRead > 0) await reader.write(buffer.subarray(0, bytesRead));
        else if (mayGrow) await changed;
        else return;
      }
    } finally {
      this.#change.close();
      await this.#file.close();
    }
  }
}

class FileChange {
  #wake: () => void = () => {};
  readonly #watcher: { close(): void } | undefined;

  constructor(path: string) {
    try {
      this.#watcher = watch(path, () => this.#wake()).on('error', () => {});
    } catch {
      // Without it, looking now and then is slower and no less right.
    }
  }

  /** Resolves at the next change after this call, or a moment later without one. */
  next(clock: Clock): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), sleep(clock, LOOK_MS)]);
  }

  close(): void {
    this.#watcher?.close();
  }
}
