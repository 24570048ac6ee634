// Decides which OpenAPI documents there are and what each of them holds: v3 for every group and version
// and every place that is no resource, v2 for all together.
// Never decides how a type (openapi/schemas.ts) or an operation (openapi/operations.ts) reads.
import { groupsOf } from './discovery.ts';
import type { Kind, Subresource } from './kind.ts';
import { operationsOf, type Operation, type SchemaNames } from './openapi/operations.ts';
import { ofGroupVersion, placesOf } from './openapi/places.ts';
import { sharedParameters, v2Paths, v3Paths, writePaths, type Json } from './openapi/paths.ts';
import { META, Schemas, V2, V3, type Dialect } from './openapi/schemas.ts';

const TITLE = 'Kubernetes';
const SECURITY_SCHEME = {
  BearerToken: { description: 'A token of whoever asks', type: 'apiKey', in: 'header', name: 'authorization' },
};

/** `GET /openapi/v3`: where each document is. `hashOf` gives the hash of a document's bytes by its path. */
export function openApiIndex(
  kinds: readonly Kind[],
  hashOf: (path: string) => string,
  others: ReadonlyArray<{ group: string; version: string; hash: string }> = [],
): Json {
  const hashes = new Map<string, string>();
  for (const [group, versions] of groupsOf(kinds))
    for (const version of versions.keys()) hashes.set(openApiPath(group, version), hashOf(openApiPath(group, version)));
  for (const path of placesOf(kinds).keys()) hashes.set(path, hashOf(path));
  for (const { group, version, hash } of others) hashes.set(openApiPath(group, version), hash);
  const sorted = [...hashes].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    paths: Object.fromEntries(
      sorted.map(([path, hash]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]),
    ),
  };
}

/** `api/v1`, `apis/apps/v1`. */
const openApiPath = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

/** The v3 document of one group and version; undefined when nothing is served there. */
export function openApiV3(
  kinds: readonly Kind[],
  group: string,
  version: string,
  serverVersion: string,
): Json | undefined {
  const served = kinds.filter((kind) => kind.ref.group === group && kind.ref.version === version);
  if (served.length === 0) return undefined;
  const { schemas, operations } = parts(V3, kinds, served);
  return v3Document(schemas.found, operations, serverVersion);
}

/** The v3 document of what is no resource: `apis/apps`, `version`; undefined when there is no such place. */
export function openApiV3Place(kinds: readonly Kind[], path: string, serverVersion: string): Json | undefined {
  const schemas = new Schemas(V3, kinds);
  const place = placesOf(kinds).get(path)?.(schemas);
  return place === undefined ? undefined : v3Document(schemas.found, [place], serverVersion);
}

function v3Document(schemas: Json, operations: readonly Operation[], serverVersion: string): Json {
  return {
    openapi: '3.0.0',
    info: { title: TITLE, version: serverVersion },
    paths: writePaths(operations, v3Paths),
    components: { schemas, securitySchemes: SECURITY_SCHEME },
  };
}

/** The v2 document, of all groups; what other servers publish comes in where no name is taken. */
export function openApiV2(
  kinds: readonly Kind[],
  serverVersion: string,
  others: ReadonlyArray<{
    paths?: Record<string, unknown>;
    definitions?: Record<string, unknown>;
    parameters?: Record<string, unknown>;
  }> = [],
): Json {
  const { schemas, operations: ofKinds } = parts(V2, kinds, kinds);
  const operations = [...[...placesOf(kinds).values()].map((make) => make(schemas)), ...ofKinds];
  const definitions = schemas.found;
  const paths = writePaths(operations, v2Paths);
  const parameters = sharedParameters(operations);
  for (const other of others) {
    Object.assign(paths, { ...other.paths, ...paths });
    Object.assign(definitions, { ...other.definitions, ...definitions });
    Object.assign(parameters, { ...other.parameters, ...parameters });
  }
  return {
    swagger: '2.0',
    info: { title: TITLE, version: serverVersion },
    paths,
    definitions,
    parameters,
    securityDefinitions: SECURITY_SCHEME,
    security: [{ BearerToken: [] }],
  };
}

/** Schemas and operations of the kinds that are served in a document. */
function parts(
  dialect: Dialect,
  kinds: readonly Kind[],
  served: readonly Kind[],
): { schemas: Schemas; operations: Operation[] } {
  const schemas = new Schemas(dialect, kinds);
  const common = {
    status: schemas.add('meta.v1.Status'),
    patch: `${META}.Patch`,
    deleteOptions: schemas.add('meta.v1.DeleteOptions'),
    watchEvent: schemas.add('meta.v1.WatchEvent'),
  };
  schemas.found[common.patch] = {
    description: 'Changes to an object, in the form that the content type tells.',
    type: 'object',
  };
  schemas.add('meta.v1.ObjectMeta');
  const versions = [...groupsOf(kinds)].flatMap(([group, own]) =>
    [...own.keys()].map((version) => ({ group, version })),
  );
  for (const kind of ['DeleteOptions', 'WatchEvent'])
    schemas.found[`${META}.${kind}`]['x-kubernetes-group-version-kind'] = versions
      .toSorted((a, b) => (a.group < b.group || (a.group === b.group && a.version < b.version) ? -1 : 1))
      .map(({ group, version }) => ({ group, kind, version }));
  schemas.found[common.status]['x-kubernetes-group-version-kind'] = [{ group: '', kind: 'Status', version: 'v1' }];
  const operations = served.flatMap((kind) => operationsOf(kind, namesOf(kind, schemas, common)));
  const places = [...groupsOf(served)].flatMap(([group, own]) =>
    [...own.keys()].map((version) => ofGroupVersion(group, version, schemas)),
  );
  return { schemas, operations: [...places, ...operations] };
}

function namesOf(
  kind: Kind,
  schemas: Schemas,
  common: Omit<SchemaNames, 'of' | 'list' | 'hasStrategicMerge'>,
): SchemaNames {
  const own = schemas.add(kind.typeName);
  return {
    ...common,
    hasStrategicMerge: typeof kind.typeName === 'string',
    of: (subresource) => (subresource === undefined ? own : schemaOfSubresource(kind, own, subresource, schemas)),
    get list() {
      return schemas.addListOf(kind);
    },
  };
}

/** Another kind than the one it is part of has the group's name in its type: `policy.v1.Eviction`. */
function schemaOfSubresource(kind: Kind, own: string, subresource: Subresource, schemas: Schemas): string {
  if (subresource.kind === kind.ref.kind) return own;
  const group = (subresource.group ?? kind.ref.group).split('.')[0]!;
  const version = subresource.version ?? kind.ref.version;
  const typeName = `${group === '' ? 'core' : group}.${version}.${subresource.kind}`;
  return schemas.addKind(typeName, { group: subresource.group ?? kind.ref.group, version });
}
