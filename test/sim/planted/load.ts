// Does: loads the simulation with one planted bug in our own code: every module of the graph is loaded anew, one of them
// with a changed line. Never touches a file, nor the modules that anybody else has loaded.
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { UPSTREAM_BUGS } from './etcd.ts';
import { PLANTS, type Plant } from './plants.ts';

type StoreSim = typeof import('../store-sim.ts');

const ROOT = new URL('../../../', import.meta.url).href;
const plants = new Map([...PLANTS, ...UPSTREAM_BUGS.map(({ plant }) => plant)].map((plant) => [plant.name, plant]));

const plantOf = (url: string | undefined): string | null =>
  url === undefined ? null : new URL(url).searchParams.get('plant');

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const plant = plantOf(context.parentURL);
    const isOurs = resolved.url.startsWith(ROOT) && !resolved.url.includes('/node_modules/');
    if (plant === null || !isOurs || plantOf(resolved.url) !== null) return resolved;
    return { ...resolved, url: `${resolved.url}?plant=${plant}` };
  },
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const plant = plants.get(plantOf(url) ?? '');
    if (plant === undefined || fileURLToPath(url.split('?')[0]!) !== fileURLToPath(`${ROOT}${plant.file}`))
      return loaded;
    return { ...loaded, source: changed(plant, Buffer.from(loaded.source as Uint8Array).toString('utf8')) };
  },
});

/** Throws when the code has moved on: a bug that is not planted would count as one that cannot be seen. */
function changed({ name, file, find, put }: Plant, source: string): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`${name}: "${find}" stands ${places} times in ${file}, not once: plant it anew`);
  return source.replace(find, () => put);
}

export async function loadPlanted(plant: Plant): Promise<StoreSim> {
  return (await import(`../store-sim.ts?plant=${plant.name}`)) as StoreSim;
}
