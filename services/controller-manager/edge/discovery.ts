// Does: asks the API which kinds it keeps, and which others have behind it, so that garbage collection and the end of a namespace
// miss none of them. Never lists a kind in two versions: both are the same objects.
import type { APIService } from '../../../lib/api/generated/types.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import type { Client } from '../../../lib/client/client.ts';
import { otherServerOf, type Elsewhere } from '../controllers/namespace.ts';

interface GroupList {
  groups: Array<{ name: string; preferredVersion: { version: string }; versions: Array<{ version: string }> }>;
}

interface ResourceList {
  resources: Array<{ name: string; kind: string; namespaced: boolean; verbs: string[] }>;
}

/** Without these verbs a loop can neither see the objects nor take them away. */
const NEEDED_VERBS = ['list', 'watch', 'delete'];

/** The same objects as another group's. */
const ANOTHER_NAME = new Set(['events.k8s.io/events']);

export async function discoverKinds(client: Client): Promise<ResourceRef[]> {
  const { groups } = await client.raw<GroupList>({ method: 'GET', path: '/apis' });
  const places = groups.map((group) => ({ group: group.name, versions: versionsOf(group) }));
  const all = await Promise.all(
    [{ group: '', versions: ['v1'] }, ...places].map(({ group, versions }) => kindsOf(client, group, versions)),
  );
  return all.flat();
}

/** What other servers say that they have; who does not answer is left out, and asked again by who needs to know. */
export async function discoverElsewhere(client: Client): Promise<Elsewhere> {
  const { items } = await client.list<APIService>(RESOURCES.apiServices);
  const available = items.flatMap((service) => {
    const other = otherServerOf(service);
    return other?.isAvailable === true ? [other.groupVersion] : [];
  });
  const asked = await Promise.allSettled(
    available.map(async (groupVersion) => ({ groupVersion, kinds: await deletableKinds(client, groupVersion) })),
  );
  const told = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return {
    groupVersions: told.map(({ groupVersion }) => groupVersion).toSorted(),
    isWhole: told.length === available.length,
    kinds: told.flatMap(({ kinds }) => kinds),
  };
}

async function deletableKinds(client: Client, groupVersion: string): Promise<ResourceRef[]> {
  const [group = '', version = ''] = groupVersion.split('/');
  const { resources } = await client.raw<ResourceList>({ method: 'GET', path: `/apis/${groupVersion}` });
  return resources
    .filter(
      ({ name, namespaced, verbs }) =>
        namespaced && !name.includes('/') && verbs.includes('delete') && verbs.includes('list'),
    )
    .map(({ name: resource, kind, namespaced }) => ({ group, version, resource, kind, namespaced }));
}

function versionsOf({ preferredVersion, versions }: GroupList['groups'][number]): string[] {
  const others = versions.map(({ version }) => version).filter((version) => version !== preferredVersion.version);
  return [preferredVersion.version, ...others];
}

/** A resource is taken in the first version that has it. */
async function kindsOf(client: Client, group: string, versions: readonly string[]): Promise<ResourceRef[]> {
  const found = new Map<string, ResourceRef>();
  for (const version of versions) {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const { resources } = await client.raw<ResourceList>({ method: 'GET', path });
    for (const { name: resource, kind, namespaced, verbs } of resources) {
      const isKept =
        !resource.includes('/') &&
        !ANOTHER_NAME.has(`${group}/${resource}`) &&
        NEEDED_VERBS.every((verb) => verbs.includes(verb));
      if (isKept && !found.has(resource)) found.set(resource, { group, version, resource, kind, namespaced });
    }
  }
  return [...found.values()];
}
