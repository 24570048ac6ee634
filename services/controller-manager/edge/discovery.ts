// Does: asks the API which kinds it keeps, so that garbage collection and the end of a namespace miss none of them. Never
// lists a kind in two versions: both are the same objects.
import type { ResourceRef } from '../../../lib/api/resource.ts';
import type { Client } from '../../../lib/client/client.ts';

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
