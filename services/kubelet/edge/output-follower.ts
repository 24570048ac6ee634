// Does: passes on what a container prints from now on, byte by byte, as it is printed: for attach. Never looks at lines:
// a prompt has no newline.
import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { sleep, type Clock } from '../../../lib/base/clock.ts';

export interface FollowedOutput {
  path: string;
  mayGrow(): boolean;
  isCancelled(): boolean;
  write(data: Uint8Array): Promise<void>;
}

const CHUNK_BYTES = 65_536;
/** A change is told by the kernel; this is for what that misses, and for the container's end. */
const LOOK_MS = 200;

/** Begins at the end of what is there when it is called. */
export async function followOutput(clock: Clock, output: FollowedOutput): Promise<void> {
  const file = await open(output.path);
  const change = new FileChange(output.path);
  try {
    let offset = (await file.stat()).size;
    while (!output.isCancelled()) {
      // Asked before reading: what was written until the end is then in what is read.
      const mayGrow = output.mayGrow();
      const changed = change.next(clock);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
      offset += bytesRead;
      if (bytesRead > 0) await output.write(buffer.subarray(0, bytesRead));
      else if (mayGrow) await changed;
      else return;
    }
  } finally {
    change.close();
    await file.close();
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
