// Does: measures from inside of a process the longest time that one turn of its event loop takes of the processor: the
// first SIGWINCH begins, the second writes <pid>-<time>.slices. Never counts time in which others had the processor.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.env['FLOTILLA_BENCH_PROFILES'];
let isMeasuring = false;
let longestMs = 0;

function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function turn(before: number): void {
  if (!isMeasuring) return;
  const spent = spentMs();
  longestMs = Math.max(longestMs, spent - before);
  setImmediate(turn, spent);
}

function toggle(): void {
  isMeasuring = !isMeasuring;
  if (isMeasuring) {
    longestMs = 0;
    turn(spentMs());
    return;
  }
  const file = join(directory!, `${process.pid}-${Date.now()}`);
  writeFileSync(file, String(longestMs));
  renameSync(file, `${file}.slices`);
}

if (directory !== undefined) process.on('SIGWINCH', toggle);
