// Decides which seeds are run first: those that failed once, each with why. Never forgets one by itself.
import { readFileSync, writeFileSync } from 'node:fs';

export interface FailedSeed {
  seed: number;
  members: number;
  /** What it found, when it did. */
  found: string;
}

const FILE = new URL('failed-seeds.json', import.meta.url);

export function failedSeeds(): FailedSeed[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as FailedSeed[];
}

export function appendFailedSeed(seed: number, members: number, found: string): void {
  const seeds = failedSeeds();
  if (seeds.some((each) => each.seed === seed && each.members === members)) return;
  writeFileSync(FILE, `${JSON.stringify([...seeds, { seed, members, found }], null, 2)}\n`);
}

/** Every third cluster has five members. */
export const membersOf = (seed: number): number => (seed % 3 === 0 ? 5 : 3);
