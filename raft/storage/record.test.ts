import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { encodeBatch, readRecord, scan, type RecordToWrite } from './record.ts';

const SEGMENT = 7;

function write(batches: readonly RecordToWrite[][]): { bytes: Buffer; starts: number[] } {
  const parts: Buffer[] = [];
  const starts: number[] = [];
  let offset = 0;
  for (const [i, records] of batches.entries()) {
    const batch = encodeBatch(records, { segment: SEGMENT, offset, batch: i + 1 });
    starts.push(offset);
    parts.push(batch);
    offset += batch.length;
  }
  return { bytes: Buffer.concat([...parts, Buffer.alloc(4096 - (offset % 4096))]), starts };
}

const payload = fc.uint8Array({ maxLength: 1500 }).map((bytes) => bytes.map((byte) => byte | 1));
const batchesOf = fc.array(
  fc.array(fc.record({ type: fc.integer({ min: 1, max: 7 }), payload }), { minLength: 1, maxLength: 5 }),
  {
    minLength: 1,
    maxLength: 6,
  },
);

test('what was written is read back, in order, with its batches', (t) => {
  fc.assert(
    fc.property(batchesOf, (batches) => {
      const { bytes } = write(batches);
      const { records, end } = scan(bytes, SEGMENT);
      t.is(end.found, 'end');
      t.deepEqual(
        records.map(({ type, payload: data, batch }) => ({ type, data: [...data], batch })),
        batches.flatMap((records, i) =>
          records.map(({ type, payload: data }) => ({ type, data: [...data], batch: i + 1 })),
        ),
      );
    }),
    { numRuns: 100 },
  );
});

test('any bit that flips in a durable record is seen as damage, never as an end or a torn tail', (t) => {
  fc.assert(
    fc.property(batchesOf, fc.nat(), fc.nat(7), (batches, where, bit) => {
      const { bytes, starts } = write(batches);
      const { records } = scan(bytes, SEGMENT);
      const last = records.at(-1)!;
      const written = last.offset + 21 + last.payload.length;
      const at = where % written;
      const padding = records.every((record) => at < record.offset || at > record.offset + 20 + record.payload.length);
      bytes[at]! ^= 1 << bit;
      const after = scan(bytes, SEGMENT);
      if (padding) t.is(after.end.found, 'end', 'bytes between records mean nothing');
      else {
        t.is(after.end.found, 'damage', `bit ${bit} of byte ${at}, batches start at ${starts.join()}`);
        t.true(after.records.length < records.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('a last batch of which any sectors are missing is cut whole, and nothing before it', (t) => {
  fc.assert(
    fc.property(batchesOf, fc.infiniteStream(fc.boolean()), (batches, kept) => {
      const { bytes, starts } = write(batches);
      const start = starts.at(-1)!;
      const whole = scan(bytes, SEGMENT).records;
      const end = bytes.length - 4096 + ((whole.at(-1)!.offset + 21 + whole.at(-1)!.payload.length) % 4096);
      let lost = false;
      for (let at = start; at < end;) {
        const next = Math.min(bytes.length, (Math.floor(at / 512) + 1) * 512);
        if (kept.next().value === false) {
          lost ||= bytes.subarray(at, next).some((byte) => byte !== 0);
          bytes.fill(0, at, next);
        }
        at = next;
      }
      const { records, end: found } = scan(bytes, SEGMENT);
      if (lost) {
        t.true(found.found === 'torn' || found.found === 'end', JSON.stringify(found));
        t.is(found.offset, start);
      }
      t.is(records.length, lost ? whole.filter((record) => record.offset < start).length : whole.length);
    }),
    { numRuns: 300 },
  );
});

test('a record at another place or of another segment is no record', (t) => {
  const batch = encodeBatch([{ type: 3, payload: Buffer.from('entry') }], { segment: 1, offset: 512, batch: 9 });
  const bytes = Buffer.alloc(2048);
  bytes.set(batch, 512);
  t.not(readRecord(bytes, 1, 512), 'header');
  t.is(readRecord(bytes, 2, 512), 'header');
  bytes.set(batch, 1024);
  t.is(readRecord(bytes, 1, 1024), 'header');
});

test('a lost batch in the middle is damage, since the batches after it were begun only when it was durable', (t) => {
  const { bytes, starts } = write([1, 2, 3].map((n) => [{ type: 3, payload: Buffer.alloc(600, n) }]));
  bytes.fill(0, starts[1], starts[2]);
  const { end, records } = scan(bytes, SEGMENT);
  t.is(end.found, 'damage');
  t.is(records.length, 1);
});
