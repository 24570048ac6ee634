// Does: turns over one bit of a store member's log or snapshot, past everything that the store knows. Never chooses by
// itself: the same chance and the same files give the same bit.
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seededChance, type Chance } from '../../lib/base/chance.ts';

export interface FlippedBit {
  file: string;
  offset: number;
  bit: number;
}

/** Any number stands for one sequence of choices. */
export function chanceOf(number: number): Chance {
  return seededChance(Number.isInteger(number) ? number : number * 2 ** 32);
}

/** Only what was once written counts: the zeros that a segment is lengthened by hold nothing. */
export function flipBit(directory: string, chance: Chance): FlippedBit {
  const files = readdirSync(directory)
    .filter((name) => /^log-\d+\.segment$/.test(name) || /^snapshot-\d+$/.test(name))
    .toSorted()
    .map((name) => ({ file: join(directory, name), bytes: writtenBytes(join(directory, name)) }))
    .filter(({ bytes }) => bytes > 0);
  if (files.length === 0) throw new Error(`no bit to flip: ${directory} holds neither a log nor a snapshot`);
  const { file, bytes } = files[chance.int(files.length)]!;
  const flipped = { file, offset: chance.int(bytes), bit: chance.int(8) };
  turnOver(flipped);
  return flipped;
}

function turnOver({ file, offset, bit }: FlippedBit): void {
  const handle = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(handle, byte, 0, 1, offset);
    byte[0]! ^= 1 << bit;
    writeSync(handle, byte, 0, 1, offset);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writtenBytes(file: string): number {
  const content = readFileSync(file);
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return end;
}

/** What follows `store-2: one bit flipped`. */
export function flippedText({ file, offset, bit }: FlippedBit): string {
  return `: bit ${bit} of byte ${offset} of ${file}; it is seen when it is next read`;
}
