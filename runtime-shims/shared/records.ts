// Does: keeps one JSON document per file so that it is there whole or not at all. Never holds it in memory.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

let counter = 0;

/** Written beside and renamed: a kill in the middle leaves the old one. */
export async function writeRecord(file: string, record: unknown): Promise<void> {
  const draft = `${file}.${process.pid}.${++counter}.new`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(draft, JSON.stringify(record), { mode: 0o600 });
  await rename(draft, file);
}

/** undefined when there is none, or none that can be read. */
export async function readRecord<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
