// Does: reads what an ended container left as its last words. Never waits for them.
import { open, readFile } from 'node:fs/promises';
import type { Container } from '../../../lib/api/generated/types.ts';
import type { ContainerState } from '../../../runtime-shims/contract.ts';

const MOST_BYTES = 4096;
const MOST_LOG_BYTES = 2048;
const MOST_LOG_LINES = 80;

export async function terminationMessageOf(container: Container, run: ContainerState, file: string): Promise<string> {
  const written = (await readFile(file).catch(() => Buffer.alloc(0))).subarray(0, MOST_BYTES).toString();
  const wantsLog = container.terminationMessagePolicy === 'FallbackToLogsOnError' && run.exitCode !== 0;
  return written === '' && wantsLog ? lastLines(run.logPath) : written;
}

async function lastLines(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, MOST_LOG_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer
      .toString()
      .split('\n')
      .slice(-MOST_LOG_LINES - 1)
      .join('\n');
  } finally {
    await file.close();
  }
}
