// Decides what of discovery and OpenAPI is compared, as one short hash for each resource, definition and path. Never compared:
// words, forms of answers that only one of both speaks (protobuf), and in which order things stand.
import { createHash } from 'node:crypto';

export type Digest = Record<string, string>;

type Json = Record<string, any>;

/** Lists whose order means nothing. */
const UNORDERED = new Set(['required', 'enum', 'produces', 'consumes']);
const MANY_KINDS = 3;

const texts = (values: readonly unknown[]): string[] => values.map(String).filter((each) => !each.includes('protobuf'));

function sorted(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    if (key === 'parameters') return value.map((each) => JSON.stringify(sorted(each))).toSorted();
    const list = UNORDERED.has(key) ? texts(value).toSorted() : value;
    return list.map((each) => sorted(each));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name, own]) => !(name === 'description' && typeof own === 'string') && !name.includes('protobuf'))
    // Of which versions the options of all groups are part: of all that are served.
    .filter(([name, own]) => !(name === 'x-kubernetes-group-version-kind' && own.length > MANY_KINDS));
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, own]) => [name, sorted(own, name)]),
  );
}

const hashOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 8);

/** A reference of v3 may stand bare or wrapped: it means the same. */
const unwrapped = (document: Json): Json =>
  JSON.parse(JSON.stringify(document), (_key, value: any) =>
    value?.allOf?.length === 1 ? { ...value, ...value.allOf[0], allOf: undefined } : (value as unknown),
  ) as Json;

function resolved(document: Json): Json {
  const shared: Json = document['parameters'] ?? {};
  return JSON.parse(JSON.stringify(document['paths']), (_key, value: any) =>
    typeof value?.$ref === 'string' && value.$ref.startsWith('#/parameters/')
      ? (shared[value.$ref.slice('#/parameters/'.length)] as unknown)
      : (value as unknown),
  ) as Json;
}

const definitions = (mark: string, found: Json): Digest =>
  Object.fromEntries(Object.entries(found).map(([name, definition]) => [`${mark} ${name}`, hashOf(definition)]));

const paths = (mark: string, found: Json): Digest =>
  Object.fromEntries(Object.entries(found).map(([path, item]) => [`${mark} ${path}`, hashOf(item)]));

export function digestOfV2(document: Json): Digest {
  return { ...definitions('v2', document['definitions']), ...paths('v2', resolved(document)) };
}

export function digestOfV3(document: Json): Digest {
  const plain = unwrapped(document);
  return { ...definitions('v3', plain['components'].schemas ?? {}), ...paths('v3', plain['paths']) };
}

export function digestOfResources(list: Json): Digest {
  return Object.fromEntries(
    (list['resources'] as Json[]).map((each) => [`${list['groupVersion']} ${each['name']}`, hashOf(each)]),
  );
}

export function digestOfAggregated(list: Json): Digest {
  const entries = (list['items'] as Json[]).flatMap(({ metadata, versions }) =>
    versions.flatMap(({ version, resources }: Json) =>
      resources.map((each: Json): [string, string] => [
        `aggregated ${metadata.name ?? ''}/${version} ${each['resource']}`,
        hashOf(each),
      ]),
    ),
  );
  return Object.fromEntries(entries);
}
