// Shows what is an address and a block, and that blocks contain and meet each other as sets of addresses do.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { addressNumber, addressText, blockOf, contains, overlap, sizeOf } from './ipv4.ts';

const address = fc.nat(2 ** 32 - 1);
const block = fc
  .tuple(address, fc.integer({ min: 0, max: 32 }))
  .map(([number, bits]) => `${addressText(number)}/${bits}`);

test('an address is its number', (t) => {
  t.is(addressNumber('10.200.0.1'), 0x0a_c8_00_01);
  t.is(addressText(0xff_00_00_ff), '255.0.0.255');
  fc.assert(fc.property(address, (number) => addressNumber(addressText(number)) === number));
});

test('what is no address or block in its usual form is none', (t) => {
  for (const text of ['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.256', '1.2.3.4 ', '::1', undefined, 4])
    t.is(addressNumber(text), undefined, String(text));
  for (const text of ['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/8/8', '::/0', undefined])
    t.is(blockOf(text), undefined, String(text));
});

test('a block has the addresses that begin with its bits', (t) => {
  t.deepEqual(blockOf('10.200.3.7/24'), blockOf('10.200.3.0/24'));
  t.is(sizeOf(blockOf('0.0.0.0/0')!), 2 ** 32);
  fc.assert(
    fc.property(block, address, (cidr, number) => {
      const [base, bits] = cidr.split('/');
      const head = (value: number): string => value.toString(2).padStart(32, '0').slice(0, Number(bits));
      return contains(blockOf(cidr)!, number) === (head(number) === head(addressNumber(base)!));
    }),
  );
});

test('blocks meet when one has the first address of the other', (t) => {
  fc.assert(
    fc.property(block, block, (one, other) => {
      const [a, b] = [blockOf(one)!, blockOf(other)!];
      const last = (each: typeof a): number => each.first + sizeOf(each) - 1;
      return overlap(a, b) === Math.max(a.first, b.first) <= Math.min(last(a), last(b));
    }),
  );
  t.pass();
});
