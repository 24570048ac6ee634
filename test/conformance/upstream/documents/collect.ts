// Does: asks a server for discovery and OpenAPI, whole, and gives their digest. Never judges it.
import type { Asked } from '../ask.ts';
import { digestOfAggregated, digestOfResources, digestOfV2, digestOfV3, type Digest } from './digest.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export async function collect(server: Asked): Promise<Digest> {
  const get = async (path: string, accept = 'application/json'): Promise<any> => {
    const { code, body } = await server.http('GET', path, { token: 'admin', headers: { accept } });
    if (code !== 200) throw new Error(`GET ${path} was answered ${code}, not 200`);
    return body;
  };
  const [groups, index] = [await get('/apis'), await get('/openapi/v3')];
  const versions: string[] = groups.groups.flatMap((group: any) =>
    group.versions.map((each: any) => each.groupVersion),
  );
  const found: Digest[] = [digestOfV2(await get('/openapi/v2'))];
  for (const path of Object.keys(index.paths)) found.push(digestOfV3(await get(`/openapi/v3/${path}`)));
  for (const path of ['/api/v1', ...versions.map((version) => `/apis/${version}`)])
    found.push(digestOfResources(await get(path)));
  for (const path of ['/api', '/apis']) found.push(digestOfAggregated(await get(path, AGGREGATED)));
  const all: Digest = Object.assign({}, ...found);
  return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
