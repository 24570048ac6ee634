// Shows that a key has one number as long as it is there, by its text and by its bytes alike, whatever comes and goes around it.
import test from 'ava';
import { seededChance } from '../../../lib/base/chance.ts';
import { decodeText } from '../../../lib/base/bytes.ts';
import { Keys } from './keys.ts';

const padded = (text: string): Uint8Array => new TextEncoder().encode(`--${text}--`);

test('keys are found by text and by bytes while others come and go', (t) => {
  const chance = seededChance(3);
  const keys = new Keys();
  const known = new Map<string, number>();
  const pick = (): string => `/registry/${['pods', 'pöds', '🚀', 'x'][chance.int(4)]!}/${chance.int(2_000)}`;
  const differences: string[] = [];
  for (let i = 0; i < 30_000; i++) {
    const text = pick();
    const number = known.get(text) ?? 0;
    const bytes = padded(text);
    if (keys.find(text) !== number || keys.findBytes(bytes, 2, bytes.length - 2) !== number) differences.push(text);
    if (number === 0) known.set(text, keys.add(text));
    else if (chance.int(2) === 0) {
      keys.remove(number);
      known.delete(text);
    }
  }
  t.deepEqual(differences, []);
  t.is(keys.size, known.size);
  t.is(new Set(known.values()).size, known.size);
  t.deepEqual(
    [...known].filter(([text, number]) => keys.text(number) !== text || keys.find(text) !== number),
    [],
  );
  for (const number of known.values()) keys.remove(number);
  t.is(keys.size, 0);
  t.is(keys.find(pick()), 0);
});

test('a text is what lies in UTF-8; what is none is refused', (t) => {
  const bytes = padded('ä/🚀');
  t.is(decodeText(bytes, 2, bytes.length - 2), 'ä/🚀');
  t.throws(() => decodeText(bytes, 3, bytes.length), { instanceOf: TypeError });
  t.throws(() => new Keys().findBytes(bytes, 3, bytes.length), { instanceOf: TypeError });
});
