// Does: keeps, for each fault that is to be healed, one file from which anybody can heal it: written before the fault is
// done, removed after it is healed. Never heals anything itself.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writeFileAtomic } from '../../launcher/edge/files.ts';
import type { ProcessRecord } from '../../launcher/edge/processes.ts';
import type { Applied } from '../contract.ts';

export interface JournalEntry {
  version: 1;
  applied: Applied;
  /** Who did it, and heals it as long as it lives. */
  owner: ProcessRecord;
}

const SUFFIX = '.fault.json';

export class Journal {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  write(applied: Applied, owner: ProcessRecord): void {
    const entry: JournalEntry = { version: 1, applied, owner };
    writeFileAtomic(this.#path(applied.id), JSON.stringify(entry));
  }

  has(id: string): boolean {
    return existsSync(this.#path(id));
  }

  /** Oldest first. What is not an entry is left alone. */
  entries(): JournalEntry[] {
    if (!existsSync(this.#directory)) return [];
    return readdirSync(this.#directory)
      .filter((name) => name.endsWith(SUFFIX))
      .toSorted()
      .flatMap((name) => parse(readIfThere(join(this.#directory, name))));
  }

  forget(id: string): void {
    rmSync(this.#path(id), { force: true });
    try {
      rmdirSync(this.#directory);
    } catch {
      // Others are in it, or it is gone.
    }
  }

  #path(id: string): string {
    return join(this.#directory, `${id}${SUFFIX}`);
  }
}

function parse(text: string | undefined): JournalEntry[] {
  try {
    const entry = JSON.parse(text ?? '') as JournalEntry;
    return entry.version === 1 && typeof entry.applied?.id === 'string' ? [entry] : [];
  } catch {
    return [];
  }
}
