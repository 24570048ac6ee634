// Shows with real processes that a thousand watchers go on after the API actor was killed: from the revision that each had,
// without a relist, missing nothing and hearing nothing twice. Never reaches into an actor.
import test from 'ava';
import { ApiProcesses } from '../kit/api-processes.ts';
import { eventually } from '../kit/eventually.ts';
import { BrokenLinkError, Link } from './link.ts';
import { Watcher } from './watchers.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const WATCHERS = 1_000;
const CONNECTIONS = 10;
const WRITES = 40;

test('a thousand watchers resume after the API actor is killed, and miss nothing', async (t) => {
  const apis = await ApiProcesses.start();
  t.teardown(() => apis.stop());
  const links = Array.from({ length: CONNECTIONS + 1 }, () => new Link([apis.url()], apis.credentials));
  t.teardown(() => links.forEach((link) => link.close()));
  const writer = links.pop()!;
  const { resourceVersion } = (await writer.askAnyhow('GET', CONFIG_MAPS)).body.metadata;
  const watchers = Array.from({ length: WATCHERS }, (_, i) => {
    // Each tenth looks through a selector.
    const path = i % 10 === 0 ? `${CONFIG_MAPS}?labelSelector=even%3Dyes` : CONFIG_MAPS;
    return new Watcher(links[i % CONNECTIONS]!, path, resourceVersion);
  });
  t.teardown(() => watchers.forEach((watcher) => watcher.close()));
  await eventually('all watch', () => watchers.every((watcher) => watcher.opened === 1));

  const written: number[] = [];
  for (let i = 0; i < WRITES; i++) written.push(await create(writer, i));
  // Writes are under way when it dies.
  const late = Array.from({ length: 10 }, (_, i) => create(writer, WRITES + i));
  await apis.kill('apiserver-1');
  apis.launch('apiserver-1');
  written.push(...(await Promise.all(late)));
  for (let i = WRITES + 10; i < WRITES * 2; i++) written.push(await create(writer, i));

  const truth = written.toSorted((a, b) => a - b);
  const items: any[] = (await writer.askAnyhow('GET', CONFIG_MAPS)).body.items;
  const isOurs = (item: any): boolean => /^made-\d+$/.test(item.metadata.name);
  t.deepEqual(revisionsOf(items.filter(isOurs)), truth, 'what was acknowledged is there');
  const even = revisionsOf(items.filter((item) => item.metadata.labels?.even === 'yes'));
  await eventually('all have heard the last', () =>
    watchers.every(({ revision }, i) => revision >= (i % 10 === 0 ? even : truth).at(-1)!),
  );
  for (const [i, watcher] of watchers.entries()) {
    const heard = watcher.seen.filter(({ name }) => name.startsWith('made-'));
    const expected = i % 10 === 0 ? even : truth;
    const told = heard.map(({ revision }) => revision);
    if (told.join() !== expected.join()) t.deepEqual(told, expected, `watcher ${i}`);
    if (heard.some(({ type }) => type !== 'ADDED')) t.fail(`watcher ${i} heard ${JSON.stringify(heard)}`);
    if (watcher.errors.length > 0) t.fail(`watcher ${i} could not go on: ${watcher.errors.join()}`);
    if (watcher.opened < 2) t.fail(`watcher ${i} was never interrupted`);
  }
});

const revisionsOf = (items: readonly any[]): number[] =>
  items.map((item) => Number(item.metadata.resourceVersion)).toSorted((a, b) => a - b);

/** Revision of the object, once it is acknowledged or found to be there after all. */
async function create(link: Link, i: number): Promise<number> {
  const name = `made-${i}`;
  const object = { metadata: { name, labels: { even: i % 2 === 0 ? 'yes' : 'no' } } };
  for (;;) {
    try {
      const { code, body } = await link.ask('POST', CONFIG_MAPS, object);
      if (code === 201) return Number(body.metadata.resourceVersion);
      if (code === 409) break;
    } catch (error) {
      if (!(error instanceof BrokenLinkError)) throw error;
    }
  }
  // The answer to an earlier attempt was lost.
  const { body } = await link.askAnyhow('GET', `${CONFIG_MAPS}/${name}`);
  return Number(body.metadata.resourceVersion);
}
