import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readManifests } from './manifests.ts';

function folder(t: ExecutionContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-manifests-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'inner'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}
const map = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
const names = async (...args: Parameters<typeof readManifests>): Promise<string[]> =>
  (await readManifests(...args)).map(({ object }) => object.metadata.name);

test('several documents, JSON, Lists and directories', async (t) => {
  const list = JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'd' } }],
  });
  const directory = folder(t, {
    'a.yaml': `${map('a')}---\n${map('b')}---\n`,
    'c.json': list,
    'readme.md': '# no',
    'inner/e.yml': map('e'),
  });
  t.deepEqual(await names([directory]), ['a', 'b', 'd']);
  t.deepEqual(await names([directory], true), ['a', 'b', 'd', 'e']);
});

test('the article to the letter is what the demo applies', async (t) => {
  const manifests = await readManifests([new URL('../../examples/web.yaml', import.meta.url).pathname]);
  t.deepEqual(
    manifests.map(({ object }) => `${object.apiVersion} ${object.kind} ${object.metadata.name}`),
    ['apps/v1 Deployment web', 'v1 Service web'],
  );
});

for (const [what, text, message] of [
  ['broken YAML', 'a: [', /error parsing .*bad.yaml/],
  ['a key given twice', `${map('a')}kind: Secret\n`, /"kind" is given twice/],
  ['no kind', 'apiVersion: v1\nmetadata: { name: a }\n', /kind not set/],
  ['no apiVersion', 'kind: Pod\nmetadata: { name: a }\n', /apiVersion not set/],
  ['no name', 'apiVersion: v1\nkind: Pod\nmetadata: {}\n', /resource name may not be empty/],
  ['a bare list', '- a\n- b\n', /must be an object/],
  ['nothing at all', '# only a comment\n', /no objects passed to apply/],
] as const)
  test(`refused with its file: ${what}`, async (t) => {
    const directory = folder(t, { 'bad.yaml': text });
    t.regex((await t.throwsAsync(readManifests([join(directory, 'bad.yaml')])))!.message, message);
  });

test('a path that is not there, and a URL, are refused', async (t) => {
  t.regex(
    (await t.throwsAsync(readManifests(['/no/such.yaml'])))!.message,
    /the path "\/no\/such.yaml" does not exist/,
  );
  await t.throwsAsync(readManifests(['https://example.com/a.yaml']));
});
