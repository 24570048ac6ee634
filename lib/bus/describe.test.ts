// Shows that the table in README.md is the one that the subject map gives today.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { withTable } from './describe.ts';

test('README.md shows the subjects as they are', (t) => {
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
  t.is(readme, withTable(readme), 'run `node lib/bus/describe.ts`');
});
