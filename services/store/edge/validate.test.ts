import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { Txn } from '../../../lib/bus/messages.ts';
import { packTxns, unpackTxns } from '../../../lib/bus/packed.ts';
import { decodeCommand, encodeWrites } from '../core/command.ts';
import { StateMachine } from '../core/state-machine.ts';
import { asStoreOperation, asStoreQuery, asStoreWrite } from './validate.ts';

const cause = { span: 's', actor: 'a' };
const txn: Txn = { sequence: 1, compares: [], operations: [], cause };
const valid = { session: 's', acknowledged: 0, txns: packTxns([txn]) };
const of = (change: Partial<Txn>): unknown => ({ ...valid, txns: packTxns([txn, { ...txn, ...change }]) });

test('a write is taken as it is; what is wrong is named with its place and its value', (t) => {
  t.deepEqual(asStoreWrite(valid), valid as never);
  t.is(asStoreWrite(of({ sequence: 0 })), 'txns[1].sequence counts from 1');
  t.is(
    asStoreWrite(of({ operations: [{ type: 'delete', key: '' }] })),
    'txns[1].operations[0].key is a text of 1 to 4096 characters, not ""',
  );
  t.is(
    asStoreWrite(of({ operations: [{ type: 'put', key: 'k', value: new Uint8Array(1), lease: '' }] })),
    'txns[1].operations[0].lease is empty',
  );
  t.regex(
    asStoreWrite(of({ compares: [{ key: 'ü'.repeat(4_097), revision: 1 }] })) as string,
    /^txns\[1\]\.compares\[0\]\.key is a text of 1 to 4096 characters/,
  );
  t.is(asStoreWrite({ ...valid, session: '' }), 'session is empty');
  t.is(asStoreWrite({ ...valid, txns: packTxns([]) }), 'txns is a list of 1 to 10000, not of 0');
  t.is(asStoreWrite({ ...valid, txns: [txn] }), `txns is bytes, not ${JSON.stringify([txn])}`);
  t.regex(asStoreWrite({ ...valid, txns: new Uint8Array([1]) }) as string, /1 bytes that are no transactions/);
});

test('what is unusual is taken too', (t) => {
  const unusual = of({
    compares: [{ key: '/ü', revision: 3 }],
    operations: [{ type: 'put', key: 'ключ', value: new Uint8Array(), lease: 'ß' }],
    cause: { span: '→', actor: 'a', revisions: [1, 2 ** 40] },
  });
  t.is(asStoreWrite(unusual), unusual as never);
});

test('whatever bytes are taken, the state machine can read: it must never meet an entry that it cannot', (t) => {
  const good = packTxns([
    { ...txn, compares: [{ key: 'abc', revision: 300 }] },
    {
      ...txn,
      operations: [
        { type: 'put', key: 'k', value: new Uint8Array(5), lease: 'l' },
        { type: 'delete', key: 'é' },
      ],
    },
  ]);
  const damaged = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 })
    .chain((changes) => fc.nat(good.length).map((length) => damage(good, changes, length)));
  let taken = 0;
  fc.assert(
    fc.property(damaged, (txns) => {
      const write = asStoreWrite({ ...valid, txns });
      if (typeof write === 'string') return;
      taken++;
      const entry = encodeWrites([write]);
      const command = decodeCommand(entry);
      // It reads the same bytes in a way of its own.
      t.notThrows(() => new StateMachine().apply(1, entry));
      t.deepEqual(command, {
        type: 'writes',
        writes: [{ session: 's', acknowledged: 0, since: 0, txns: unpackTxns(txns) }],
      });
    }),
    { numRuns: 3_000 },
  );
  t.true(taken > 20, `${taken} were taken`);
});

function damage(good: Uint8Array, changes: [number, number][], length: number): Uint8Array {
  const bytes = good.slice();
  for (const [at, value] of changes) bytes[at] = value;
  return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
}

test('anything at all is answered, never thrown at', (t) => {
  fc.assert(
    fc.property(fc.anything(), (data) => {
      for (const check of [asStoreWrite, asStoreQuery, asStoreOperation])
        t.true(['string', 'object'].includes(typeof check(data)));
    }),
    { numRuns: 500 },
  );
});

test('a page is bounded; 0 asks for as much as there is in one', (t) => {
  const query = { query: 'range', prefix: '', after: '', revision: 0 };
  t.like(asStoreQuery({ ...query, limit: 0 }), { limit: 10_000 });
  t.like(asStoreQuery({ ...query, limit: 1e9 }), { limit: 10_000 });
  t.like(asStoreQuery({ ...query, limit: 7 }), { limit: 7 });
});
