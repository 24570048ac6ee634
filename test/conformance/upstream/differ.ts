// Does: asks a real kube-apiserver and ours the same cases at once and prints how the answers differ: how differences are looked
// for, with many more requests than are kept. `UPSTREAM=folder node test/conformance/upstream/differ.ts FILE…`, each FILE one like
// those in cases/. Never records anything.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startApi } from '../../kit/api-server.ts';
import type { Area } from './area.ts';
import { askAll } from './ask.ts';
import { Comparer } from './compare.ts';
import { startPeer, TOKENS } from './peer.ts';

for (const file of process.argv.slice(2)) {
  const { cases, flags, settings } = (await import(pathToFileURL(resolve(file)).href)) as Area;
  const [peer, api] = await Promise.all([startPeer(flags), startApi({ settings: { tokenFile: TOKENS, ...settings } })]);
  try {
    const [real, ours] = await Promise.all([askAll(peer, cases), askAll(api, cases)]);
    const comparer = new Comparer();
    const told = cases.flatMap(({ name }) => {
      const differences = comparer.compare(real.get(name)!, ours.get(name)!);
      return differences.length === 0 ? [] : [`${name}\n${differences.map((each) => `    ${each}\n`).join('')}`];
    });
    console.log(`${told.join('')}${file}: ${told.length} of ${cases.length} answers differ`);
  } finally {
    await Promise.all([peer.stop(), api.stop()]);
  }
}
