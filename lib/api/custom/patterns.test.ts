// Shows that a pattern of a user never reaches the engine of JavaScript, which some patterns keep busy for ever: every file that
// makes a regular expression of a value is known here.
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { validateSchema } from './validate.ts';
import { validateStructural } from './structural.ts';

/** Made of texts in the same file, once, and asked of short values only. */
const KNOWN = ['lib/api/formats.ts', 'lib/api/pod/defaults.ts', 'lib/api/pod/validate-security.ts'];
const ROOT = new URL('../../../', import.meta.url);

const sources = (room: string): string[] =>
  readdirSync(new URL(room, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => `${room}/${file}`);

test('no value becomes a regular expression of JavaScript', (t) => {
  const made = [...sources('lib/api'), ...sources('services/apiserver')].filter((file) =>
    /\bRegExp\(|\.(match|matchAll|search)\((?!\/|[A-Z_]+\))/.test(readFileSync(new URL(file, ROOT), 'utf8')),
  );
  t.deepEqual(made, KNOWN);
});

test('patterns of schemas: linear where others explode, refused where they are too large or no RE2', (t) => {
  const told = (pattern: string, text: string): string[] =>
    validateSchema({ type: 'string', pattern }, text, 'spec.a').map(({ message }) => message);
  t.deepEqual(told('^(a+)+$', `${'a'.repeat(50_000)}`), []);
  t.regex(told('^(a+)+$', `${'a'.repeat(5_000)}!`)[0]!, /should match/);
  t.regex(told('.*x{900}', 'x'.repeat(200_000))[0]!, /cannot be matched: .* too long for this pattern/);
  const problems = (pattern: string): string[] =>
    validateStructural({ type: 'object', properties: { a: { type: 'string', pattern } } }, 'schema').map(
      ({ message }) => message,
    );
  t.regex(problems('(?!x)a')[0]!, /must be a valid regular expression/);
  t.regex(problems('(x{1000}y{1000})'.repeat(20))[0]!, /too large/);
  t.deepEqual(problems('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'), []);
});
