// Does: reads a container's log file as `kubectl logs` asks for it: tail, since, timestamps, follow. Never changes it.
import { open, type FileHandle } from 'node:fs/promises';
import { sleep, type Clock } from '../../../lib/base/clock.ts';
import type { StreamOpen } from '../../../lib/bus/messages.ts';
import { timeAt, timesOf } from './log-times.ts';

export interface LogRequest {
  path: string;
  format: 'raw' | 'json-file';
  query: NonNullable<StreamOpen['logs']>;
  /** While true, a follower waits for more. */
  mayGrow(): boolean;
  isCancelled(): boolean;
  write(channel: 'stdout' | 'stderr', data: Uint8Array): Promise<void>;
}

const CHUNK_BYTES = 65_536;
const POLL_MS = 200;

interface Line {
  bytes: Buffer;
  offset: number;
}

export async function readLog(clock: Clock, request: LogRequest): Promise<void> {
  const file = await openWhenThere(clock, request);
  if (file === undefined) return;
  try {
    const { tailLines } = request.query;
    const start = tailLines === undefined ? 0 : await offsetOfLastLines(file, tailLines);
    await copy(clock, file, start, request);
  } finally {
    await file.close();
  }
}

/** The file comes with the first byte at the latest. */
async function openWhenThere(clock: Clock, request: LogRequest): Promise<FileHandle | undefined> {
  for (;;) {
    const file = await open(request.path).catch(() => undefined);
    if (file !== undefined || request.query.follow !== true || request.isCancelled() || !request.mayGrow()) return file;
    await sleep(clock, POLL_MS);
  }
}

async function copy(clock: Clock, file: FileHandle, start: number, request: LogRequest): Promise<void> {
  const sender = new LineSender(clock, request);
  let offset = start;
  let rest = Buffer.alloc(0);
  while (!request.isCancelled() && !sender.isFull) {
    // Asked before reading: what was written until the end is then in what is read.
    const mayGrow = request.query.follow === true && request.mayGrow();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) {
      if (!mayGrow) break;
      await sleep(clock, POLL_MS);
      continue;
    }
    const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const first = offset - rest.length;
    offset += bytesRead;
    const cut = data.lastIndexOf(0x0a) + 1;
    await sender.send(linesOf(data.subarray(0, cut), first));
    rest = data.subarray(cut);
  }
  if (rest.length > 0 && !sender.isFull) await sender.send([{ bytes: rest, offset: offset - rest.length }]);
}

function linesOf(data: Buffer, first: number): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < data.length;) {
    const end = data.indexOf(0x0a, at);
    const next = end === -1 ? data.length : end + 1;
    lines.push({ bytes: data.subarray(at, next), offset: first + at });
    at = next;
  }
  return lines;
}

class LineSender {
  readonly #clock: Clock;
  readonly #request: LogRequest;
  readonly #sinceMs: number | undefined;
  #left: number;

  constructor(clock: Clock, request: LogRequest) {
    const { sinceSeconds, sinceTime, limitBytes } = request.query;
    this.#clock = clock;
    this.#request = request;
    this.#sinceMs =
      sinceTime !== undefined
        ? Date.parse(sinceTime)
        : sinceSeconds === undefined
          ? undefined
          : clock.now() - sinceSeconds * 1000;
    this.#left = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  async send(lines: readonly Line[]): Promise<void> {
    const needsTimes = this.#request.query.timestamps === true || this.#sinceMs !== undefined;
    const times = needsTimes && this.#request.format === 'raw' ? await timesOf(this.#request.path) : [];
    const parts: Array<{ channel: 'stdout' | 'stderr'; data: Buffer }> = [];
    for (const line of lines) {
      const { text, atMs, channel } = this.#decode(line, () => timeAt(times, line.offset, this.#clock.now()));
      if (this.#sinceMs !== undefined && atMs() < this.#sinceMs) continue;
      const stamp =
        this.#request.query.timestamps === true
          ? Buffer.from(`${new Date(atMs()).toISOString().replace('Z', '000000Z')} `)
          : Buffer.alloc(0);
      parts.push({ channel, data: Buffer.concat([stamp, text]) });
    }
    for (const channel of ['stdout', 'stderr'] as const)
      await this.#write(
        channel,
        parts.filter((part) => part.channel === channel).map(({ data }) => data),
      );
  }

  #decode(
    { bytes }: Line,
    timeOfRaw: () => number,
  ): { text: Buffer; atMs: () => number; channel: 'stdout' | 'stderr' } {
    if (this.#request.format === 'raw') return { text: bytes, atMs: timeOfRaw, channel: 'stdout' };
    try {
      const { log, stream, time } = JSON.parse(bytes.toString()) as { log: string; stream?: string; time: string };
      return {
        text: Buffer.from(log),
        atMs: () => Date.parse(time),
        channel: stream === 'stderr' ? 'stderr' : 'stdout',
      };
    } catch {
      return { text: bytes, atMs: () => this.#clock.now(), channel: 'stdout' };
    }
  }

  async #write(channel: 'stdout' | 'stderr', parts: Buffer[]): Promise<void> {
    const data = Buffer.concat(parts).subarray(0, this.#left === Number.POSITIVE_INFINITY ? undefined : this.#left);
    this.#left -= data.length;
    if (data.length > 0) await this.#request.write(channel, data);
  }
}

/** Where the last `count` lines begin, found from the end. */
async function offsetOfLastLines(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count <= 0) return size;
  let end = size;
  let found = 0;
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let at = buffer.length - 1; at >= 0; at--) {
      // The newline at the very end closes the last line; it begins none.
      if (buffer[at] !== 0x0a || start + at === size - 1) continue;
      if (++found === count) return start + at + 1;
    }
    end = start;
  }
  return 0;
}
