// Shows that a token says what it was given, and that anything else is refused and never a crash.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';

test('tokens', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1 }).filter((revision) => revision !== 0),
      fc.stringMatching(/^([a-z][\w.-]*)?\/[\w.:-]+$/),
      (revision, after) => {
        t.deepEqual(decodeContinue(encodeContinue({ revision, after })), { revision, after });
      },
    ),
  );
  t.deepEqual(
    decodeContinue('eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MzI1LCJzdGFydCI6ImMxXHUwMDAwIn0'),
    { revision: 325, after: 'c1' },
    "the real server's own",
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      t.throws(() => decodeContinue(`${text}!`), { name: 'ApiError' });
    }),
  );
});
