// Shows that what is broken is on record until it is healed, whatever else lies there; and that a flipped bit is one bit.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { seededChance } from '../../lib/base/chance.ts';
import { ownRecord } from '../../launcher/edge/processes.ts';
import type { Applied } from '../contract.ts';
import { flipBit } from './flip-bit.ts';
import { Journal } from './journal.ts';

function place(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-chaos-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const applied = (id: string): Applied => ({
  id,
  fault: { type: 'pause', unit: 'store-1' },
  what: 'store-1: paused',
  heals: true,
});

test('entries are found by any process, oldest first, until they are forgotten', (t) => {
  const directory = join(place(t), 'chaos');
  const owner = ownRecord();
  t.deepEqual(new Journal(directory).entries(), []);
  for (const id of ['b', 'a']) new Journal(directory).write(applied(id), owner);
  const other = new Journal(directory);
  t.deepEqual(
    other.entries().map((entry) => [entry.applied, entry.owner]),
    [
      [applied('a'), owner],
      [applied('b'), owner],
    ],
  );
  t.true(other.has('a'));
  other.forget('a');
  other.forget('a');
  t.false(other.has('a'));
  t.deepEqual(
    other.entries().map(({ applied: { id } }) => id),
    ['b'],
  );
  other.forget('b');
  t.false(existsSync(directory), 'nothing is left where nothing is broken');
});

test('what is no entry is left alone', (t) => {
  const directory = place(t);
  const journal = new Journal(directory);
  journal.write(applied('a'), ownRecord());
  writeFileSync(join(directory, 'half.fault.json'), '{"version":1,"appl');
  writeFileSync(join(directory, 'note.txt'), 'mine');
  t.is(journal.entries().length, 1);
  journal.forget('a');
  t.true(existsSync(join(directory, 'note.txt')));
});

test('exactly one bit of what was written is flipped, and the same chance flips it back', (t) => {
  const directory = place(t);
  const files = ['log-0000000001.segment', 'log-0000000002.segment', 'snapshot-0000000000000007'];
  const content = (name: string): Buffer => readFileSync(join(directory, name));
  for (const name of files)
    writeFileSync(join(directory, name), Buffer.concat([Buffer.alloc(100, 0xa5), Buffer.alloc(900)]));
  writeFileSync(join(directory, 'mark'), 'x');
  const before = files.map(content);
  for (let seed = 0; seed < 50; seed++) {
    const { file, offset, bit } = flipBit(directory, seededChance(seed));
    t.true(offset < 100, 'the zeros behind hold nothing');
    const changed = files.filter((name, i) => !content(name).equals(before[i]!));
    t.deepEqual(
      changed.map((name) => join(directory, name)),
      [file],
    );
    const after = readFileSync(file);
    t.is(after[offset]! ^ 0xa5, 1 << bit);
    flipBit(directory, seededChance(seed));
    t.deepEqual(files.map(content), before);
  }
});

test('where there is nothing to flip it is said', (t) => {
  t.throws(() => flipBit(place(t), seededChance(1)), { message: /holds neither a log nor a snapshot/ });
});
