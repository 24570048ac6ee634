import test from 'ava';
import fc from 'fast-check';
import { asStoreOperation, asStoreQuery, asStoreWrite } from './validate.ts';

const cause = { span: 's', actor: 'a' };
const txn = { sequence: 1, compares: [], operations: [], cause };
const valid = { session: 's', acknowledged: 0, txns: [txn] };

test('a write is taken as it is; what is wrong is named with its place and its value', (t) => {
  t.deepEqual(asStoreWrite(valid), valid as never);
  const of = (change: object): unknown => ({ ...valid, txns: [txn, { ...txn, ...change }] });
  t.is(asStoreWrite(of({ sequence: -3 })), 'txns[1].sequence is a whole number from 0, not -3');
  t.is(asStoreWrite(of({ sequence: 0 })), 'txns[1].sequence counts from 1');
  t.is(
    asStoreWrite(of({ operations: [{ type: 'delete', key: '\ud800' }] })),
    'txns[1].operations[0].key is a text of 1 to 4096 characters, not "\\ud800"',
  );
  t.is(
    asStoreWrite(of({ operations: [{ type: 'put', key: 'k', value: 'text' }] })),
    'txns[1].operations[0].value is bytes, not "text"',
  );
  t.is(
    asStoreWrite(of({ compares: [{ key: 'k', revision: 1.5 }] })),
    'txns[1].compares[0].revision is a whole number from 0, not 1.5',
  );
  t.is(asStoreWrite({ ...valid, session: '' }), 'session is empty');
  t.is(asStoreWrite({ ...valid, txns: [] }), 'txns is a list of 1 to 10000, not []');
});

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
