// Does: asks the server which resources it serves (aggregated discovery: two requests). Never guesses one.
import { ApiError, type Status } from '../../lib/base/errors.ts';
import type { Transport } from '../../lib/client/client.ts';
import type { SendOptions } from '../../lib/client/https-transport.ts';
import type { ApiRequest, ApiResponse } from '../../lib/bus/messages.ts';
import { ResourceIndex, type ServedResource } from '../core/resources.ts';

type Asker = Transport & { request(request: ApiRequest, options?: SendOptions): Promise<ApiResponse> };

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface GroupDiscovery {
  metadata?: { name?: string };
  versions: Array<{ version: string; resources?: ResourceDiscovery[] }>;
}

interface ResourceDiscovery {
  resource: string;
  responseKind?: { group?: string; version?: string; kind: string };
  scope: 'Namespaced' | 'Cluster';
  singularResource?: string;
  shortNames?: string[];
  categories?: string[];
  verbs?: string[];
  subresources?: Array<{ subresource: string }>;
}

export async function discover(transport: Asker): Promise<ResourceIndex> {
  const [core, groups] = await Promise.all([ask(transport, '/api'), ask(transport, '/apis')]);
  return new ResourceIndex([...core, ...groups].flatMap(resourcesOf));
}

async function ask(transport: Asker, path: string): Promise<GroupDiscovery[]> {
  const answer = await transport.request({ method: 'GET', path }, { accept: AGGREGATED });
  if (answer.code >= 400) throw ApiError.fromStatus(answer.body as Partial<Status>, answer.code);
  const body = answer.body as { kind?: string; items?: GroupDiscovery[] };
  if (body.kind !== 'APIGroupDiscoveryList')
    throw new Error(`the server answered ${path} with ${String(body.kind)}, not with an APIGroupDiscoveryList`);
  return body.items ?? [];
}

function resourcesOf(group: GroupDiscovery): ServedResource[] {
  const name = group.metadata?.name ?? '';
  return group.versions.flatMap(({ version, resources = [] }) =>
    resources.map((each) => ({
      group: name,
      version,
      resource: each.resource,
      kind: each.responseKind?.kind ?? '',
      singular: each.singularResource ?? '',
      shortNames: each.shortNames ?? [],
      categories: each.categories ?? [],
      namespaced: each.scope === 'Namespaced',
      verbs: each.verbs ?? [],
      subresources: (each.subresources ?? []).map(({ subresource }) => subresource),
    })),
  );
}
