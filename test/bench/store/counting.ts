// Does: is loaded before a member's own code, when the bench starts it: counts its disk calls and the bytes that it allocates, and
// writes them to a file when SIGUSR2 comes. Never changes what the member does.
import fs, { constants, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';

const directory = process.env['BENCH_COUNTERS'];
/** Durable: a write that resolves when it is on the disk, or a call that waits until what was written is. */
const counts = { diskWrites: 0, durableWrites: 0, diskBytes: 0 };
/** Files that were opened so that each write is durable. */
const through = new Set<number>();

type Call = (this: unknown, ...rest: unknown[]) => unknown;

/** Each call of `name` is told first. */
function watch(owner: object, name: string, told: (rest: unknown[], self: unknown) => void): void {
  const calls = owner as Record<string, Call>;
  const call = calls[name]!;
  calls[name] = function (...rest) {
    told(rest, this);
    return call.apply(this, rest);
  };
}

function wrote(fd: number, data: Uint8Array): void {
  counts.diskWrites++;
  counts.diskBytes += data.length;
  if (through.has(fd)) counts.durableWrites++;
}

function watchOpen(): void {
  const { open: plain } = fs.promises;
  fs.promises.open = async (...rest) => {
    const handle = await plain(...rest);
    const [, flags] = rest;
    if (typeof flags === 'number' && (flags & constants.O_DSYNC) !== 0) through.add(handle.fd);
    else through.delete(handle.fd);
    return handle;
  };
}

if (directory !== undefined) {
  const probe = await open('/dev/null');
  const handle = Object.getPrototypeOf(probe) as object;
  await probe.close();
  watch(fs, 'write', ([fd, data]) => {
    // The log's lines go to standard output.
    if ((fd as number) > 2 && data instanceof Uint8Array) wrote(fd as number, data);
  });
  watch(handle, 'write', ([data], self) => wrote((self as { fd: number }).fd, data as Uint8Array));
  for (const name of ['datasync', 'sync']) watch(handle, name, () => counts.durableWrites++);
  watchOpen();
  syncBuiltinESMExports();
  process.on('SIGUSR2', () => {
    const { total_allocated_bytes: allocatedBytes } = getHeapStatistics() as unknown as Record<string, number>;
    const file = join(directory, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify({ ...counts, allocatedBytes }));
    renameSync(`${file}.new`, file);
  });
}
