// Does: appends lines to a file in their order, and begins a new one when it is full, keeping so many of the old. Never holds
// up who writes, and never drops a line without counting it.
import { appendFile, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../../../lib/base/clock.ts';
import { messageOf } from '../../../../lib/base/errors.ts';
import type { Log } from '../../../../lib/base/log.ts';

export interface AuditFileOptions {
  file: string;
  /** A file is begun anew before it gets larger; upstream's default: 100. */
  maxSizeMegabytes?: number;
  /** So many old files are kept; 0: all. */
  maxBackups?: number;
  /** Old files are deleted after so many days; 0: never. */
  maxAgeDays?: number;
}

const MEGABYTE = 1_048_576;
const DAY_MS = 86_400_000;
/** Lines that wait for a disk that does not answer; more are dropped. */
const WAITING_BYTES = 64 * MEGABYTE;

export class AuditFile {
  readonly #options: AuditFileOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #lines: string[] = [];
  #waiting = 0;
  #size: number | undefined;
  #writing: Promise<void> | undefined;
  /** Lines that were lost. */
  dropped = 0;

  constructor(options: AuditFileOptions, clock: Clock, log: Log) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#waiting + bytes > WAITING_BYTES) {
      this.dropped++;
      return;
    }
    this.#waiting += bytes;
    this.#lines.push(line);
    this.#writing ??= this.#drain();
  }

  /** Resolves when all that was written is in the file. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #drain(): Promise<void> {
    // Who comes in the same turn goes with the same write.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#waiting = 0;
      const text = `${lines.join('\n')}\n`;
      try {
        await this.#makeRoom(Buffer.byteLength(text));
        await appendFile(this.#options.file, text, { mode: 0o600 });
        this.#size! += Buffer.byteLength(text);
      } catch (error) {
        this.dropped += lines.length;
        this.#size = undefined;
        this.#log.error({ file: this.#options.file, error: messageOf(error) }, 'audit events could not be written');
      }
    }
    this.#writing = undefined;
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { file, maxSizeMegabytes = 100 } = this.#options;
    if (this.#size === undefined) {
      await mkdir(dirname(file), { recursive: true });
      this.#size = await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
    }
    if (this.#size === 0 || this.#size + bytes <= maxSizeMegabytes * MEGABYTE) return;
    await rename(file, join(dirname(file), `${this.#stem}${this.#stamp()}${extname(file)}`));
    this.#size = 0;
    await this.#dropOld();
  }

  get #stem(): string {
    return `${basename(this.#options.file, extname(this.#options.file))}-`;
  }

  /** As upstream names what it puts aside: `audit-2026-11-22T10-30-00.123.log`. */
  #stamp(): string {
    return new Date(this.#clock.now()).toISOString().replaceAll(':', '-').replace('Z', '');
  }

  async #dropOld(): Promise<void> {
    const { file, maxBackups = 0, maxAgeDays = 0 } = this.#options;
    const pattern = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/;
    const old = (await readdir(dirname(file)))
      .filter((name) => name.startsWith(this.#stem) && name.endsWith(extname(file)))
      .map((name) => ({ name, at: name.slice(this.#stem.length, name.length - extname(file).length) }))
      .filter(({ at }) => pattern.test(at))
      .toSorted((a, b) => (a.at < b.at ? 1 : -1));
    const oldest = this.#clock.now() - maxAgeDays * DAY_MS;
    for (const [i, { name, at }] of old.entries()) {
      const time = Date.parse(`${at.replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:')}Z`);
      const isSurplus = (maxBackups > 0 && i >= maxBackups) || (maxAgeDays > 0 && time < oldest);
      if (isSurplus) await unlink(join(dirname(file), name));
    }
  }
}
