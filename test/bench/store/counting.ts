// Does: is loaded before a member's own code, when the bench starts it: counts its disk calls and the bytes that it allocates, and
// writes them to a file when SIGUSR2 comes. Never changes what the member does.
import { renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';

const directory = process.env['BENCH_COUNTERS'];
const counts = { diskWrites: 0, fsyncs: 0, diskBytes: 0 };

interface Handle {
  write(data: Uint8Array, ...rest: unknown[]): Promise<unknown>;
  datasync(): Promise<void>;
}

if (directory !== undefined) {
  const probe = await open('/dev/null');
  const handle = Object.getPrototypeOf(probe) as Handle;
  await probe.close();
  const { write, datasync } = handle;
  handle.write = function (data, ...rest) {
    counts.diskWrites++;
    counts.diskBytes += data.length;
    return write.call(this, data, ...rest);
  };
  handle.datasync = function () {
    counts.fsyncs++;
    return datasync.call(this);
  };
  process.on('SIGUSR2', () => {
    const { total_allocated_bytes: allocatedBytes } = getHeapStatistics() as unknown as Record<string, number>;
    const file = join(directory, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify({ ...counts, allocatedBytes }));
    renameSync(`${file}.new`, file);
  });
}
