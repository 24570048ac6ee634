// Shows that what is put in rows and queues is what comes out, over the borders of pages and after the oldest are dropped.
import test from 'ava';
import { ByteQueue } from './byte-queue.ts';
import { Table } from './table.ts';

test('rows keep longs and ints apart, and the oldest go a page at a time', (t) => {
  const table = new Table(2, 3);
  const rows = 5_000;
  const long = (row: number, column: number): number => (row * 2 + column) * 2 ** 33;
  const int = (row: number, column: number): number => -(row * 3 + column);
  for (let row = 0; row < rows; row++) {
    table.reach(row);
    for (const column of [0, 1]) table.setLong(row, column, long(row, column));
    for (const column of [0, 1, 2]) table.setInt(row, column, int(row, column));
  }
  const wrong = (from: number): number[] =>
    Array.from({ length: rows - from }, (_, i) => from + i).filter(
      (row) =>
        [0, 1].some((column) => table.long(row, column) !== long(row, column)) ||
        [0, 1, 2].some((column) => table.int(row, column) !== int(row, column)),
    );
  t.deepEqual(wrong(0), []);
  table.drop(2_500);
  t.deepEqual(wrong(2_500), []);
  t.throws(() => table.int(3, 0));
  table.reach(rows);
  t.is(table.int(rows, 0), 0);
  table.drop(rows + 10_000);
  table.reach(rows + 10_000);
  t.is(table.long(rows + 10_000, 1), 0);
});

test('bytes are found where they were put until what is behind them is dropped, however long they are', (t) => {
  const queue = new ByteQueue();
  const lengths = [10, 70_000, 0, 65_536, 3, 40_000, 40_000, 1];
  const places = lengths.map((length, i) => {
    const data = new Uint8Array(length + 4).fill(i + 1);
    return { at: queue.push(data, 2, 2 + length), length, byte: i + 1 };
  });
  for (const [i, { at, length, byte }] of places.entries()) {
    queue.drop(at);
    t.deepEqual(queue.at(at, length), new Uint8Array(length).fill(byte));
    t.deepEqual(queue.at(places.at(-1)!.at, 1), new Uint8Array([places.length]), `after ${i} are gone`);
  }
  t.throws(() => queue.at(places[0]!.at, 10));
});
