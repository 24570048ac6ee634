// Does: lets only one living process hold a file. Never waits.
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive, ownRecord, readRecord } from './processes.ts';

export interface Lock {
  release(): void;
}

/** undefined: a living process has it. The remains of a dead holder are taken over. */
export function takeLock(path: string): Lock | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Written whole first, then linked: nobody ever reads a lock without its owner in it.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify(ownRecord()), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        linkSync(own, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const holder = readRecord(path);
        if (holder !== undefined && isAlive(holder)) return undefined;
        rmSync(path, { force: true });
      }
    }
    return undefined;
  } finally {
    rmSync(own, { force: true });
  }
}
