// Decides how what another server says that it serves (an APIResourceList) reads as kinds, for discovery alone. Never serves,
// decodes or stores one of them.
import { makeKind, type Kind, type Subresource } from './kind.ts';

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isText) : []);

/** Entries without a name or a kind are passed over: one bad server must not spoil what all clients read first. */
export function kindsOfList(group: string, version: string, list: unknown): Kind[] {
  const entries = (list as { resources?: unknown } | null)?.resources;
  if (!Array.isArray(entries)) return [];
  const known = entries.filter((entry) => isText(entry?.name) && isText(entry?.kind)) as any[];
  return known
    .filter(({ name }) => !name.includes('/'))
    .map((entry) => {
      const prefix = `${entry.name}/`;
      const parts = known
        .filter(({ name }) => name.startsWith(prefix))
        .map((part): [string, Subresource] => [
          part.name.slice(prefix.length),
          {
            kind: part.kind,
            verbs: texts(part.verbs),
            ...(isText(part.group) && isText(part.version) ? { group: part.group, version: part.version } : {}),
          },
        ]);
      return makeKind(
        {
          group,
          version,
          kind: entry.kind,
          plural: entry.name,
          singular: isText(entry.singularName) ? entry.singularName : '',
          shortNames: texts(entry.shortNames),
          categories: texts(entry.categories),
          namespaced: entry.namespaced === true,
          type: 'meta.v1.Status',
          verbs: texts(entry.verbs),
          subresources: Object.fromEntries(parts),
        },
        undefined,
      );
    });
}
