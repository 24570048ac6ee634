// Does: asks a real kube-apiserver which columns its Tables have, of every kind that it serves, and writes them down as
// lib/api/generated/table-columns.json: `UPSTREAM=folder node test/conformance/upstream/columns.ts`. Never asks ours.
import { writeFileSync } from 'node:fs';
import { TABLE } from './rows.ts';
import { startPeer, type Peer } from './peer.ts';

const FILE = new URL('../../../lib/api/generated/table-columns.json', import.meta.url);

interface Definition {
  name: string;
  type: string;
  format: string;
  priority: number;
  description: string;
}

/** What many columns say is written down once. */
class Texts {
  readonly all: string[] = [];

  placeOf(text: string): number {
    const place = this.all.indexOf(text);
    return place >= 0 ? place : this.all.push(text) - 1;
  }
}

async function bodyOf(peer: Peer, path: string, accept = 'application/json'): Promise<any> {
  return (await peer.http('GET', path, { token: 'admin', headers: { accept } })).body;
}

/** Path by `group/plural`: the versions of a kind are printed alike. */
async function listPaths(peer: Peer): Promise<Map<string, string>> {
  const { groups } = await bodyOf(peer, '/apis');
  const roots = [
    ['', '/api/v1'],
    ...groups.flatMap(({ name, versions }: any) =>
      versions.map(({ groupVersion }: any) => [name, `/apis/${groupVersion}`]),
    ),
  ] as Array<[string, string]>;
  const paths = new Map<string, string>();
  for (const [group, root] of roots)
    for (const { name, verbs } of (await bodyOf(peer, root)).resources)
      if (verbs.includes('list')) paths.set(`${group}/${name}`, `${root}/${name}`);
  return paths;
}

/** Never listed. */
async function columnsOfScale(peer: Peer): Promise<Definition[]> {
  const path = '/api/v1/namespaces/default/replicationcontrollers';
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
  const body = { metadata: { name: 'a' }, spec: { replicas: 0, template } };
  await peer.http('POST', path, { token: 'admin', body });
  return (await bodyOf(peer, `${path}/a/scale`, TABLE)).columnDefinitions;
}

/** Kinds that are not served unless one asks for them have columns too. */
const ALL_KINDS = ['--runtime-config=api/all=true', '--feature-gates=AllAlpha=true,AllBeta=true'];

const peer = await startPeer(ALL_KINDS);
try {
  const tables: Array<[string, Definition[]]> = [];
  for (const [kind, path] of await listPaths(peer))
    tables.push([kind, (await bodyOf(peer, path, TABLE)).columnDefinitions]);
  tables.push(['autoscaling/scales', await columnsOfScale(peer)]);
  const texts = new Texts();
  const columns = tables
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, definitions]) => {
      const rows = definitions.map((one) => [
        one.name,
        one.type,
        one.format,
        one.priority,
        texts.placeOf(one.description),
      ]);
      return `${JSON.stringify(kind)}:${JSON.stringify(rows)}`;
    });
  const told = texts.all.map((text) => JSON.stringify(text));
  writeFileSync(FILE, `{"texts":[\n${told.join(',\n')}\n],"columns":{\n${columns.join(',\n')}\n}}\n`);
  console.log(`${tables.length} kinds, ${texts.all.length} descriptions`);
} finally {
  await peer.stop();
}
