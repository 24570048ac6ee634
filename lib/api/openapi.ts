// Decides how the schema table reads as OpenAPI, v3 for each group and version and v2 for all: enough for kubectl to
// validate, explain and patch. Never writes a description (descriptions.ts does).
import { fieldDescription, typeDescription } from './descriptions.ts';
import { groupsOf } from './discovery.ts';
import type { CustomType, TypeName } from './custom/custom-type.ts';
import { customOpenApi } from './custom/open-api.ts';
import type { Kind } from './kind.ts';
import { apiVersionOf, resourcePath } from './resource.ts';
import { enumValues, isScalarType, typeSchema, type FieldSchema, type TypeSchema } from './schema.ts';

type Json = Record<string, any>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const HOMES: Record<string, string> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  metrics: 'io.k8s.metrics.pkg.apis.metrics',
};
/** Kinds of the query and the answer that every group speaks. */
const COMMON = ['meta.v1.DeleteOptions', 'meta.v1.Status', 'meta.v1.ObjectMeta'];

/** `apps.v1.Deployment` → `io.k8s.api.apps.v1.Deployment`. */
export function schemaName(typeName: string): string {
  const [group, version, name] = typeName.split('.') as [string, string, string];
  return `${HOMES[group] ?? `io.k8s.api.${group}`}.${version}.${name}`;
}

/** `gold.io.v1.Widget` → `io.gold.v1.Widget`: a group's name is read from the right. */
function customSchemaName(typeName: string): string {
  const parts = typeName.split('.');
  const [version, kind] = parts.slice(-2) as [string, string];
  return [...parts.slice(0, -2).toReversed(), version, kind].join('.');
}

const SCALARS: Record<string, Json> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  duration: { type: 'string' },
  raw: { type: 'object' },
  json: {},
  fieldsV1: { type: 'object' },
};
const NAMED_SCALARS: Record<string, string> = {
  quantity: QUANTITY,
  intOrString: INT_OR_STRING,
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
};
const NAMED_SCHEMAS: Json = {
  [QUANTITY]: {
    description: 'A fixed-point number such as 100m, 1.5 or 128Mi.',
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  [INT_OR_STRING]: {
    description: 'A number or a text.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
  [`${META}.Time`]: { description: 'RFC 3339 with whole seconds.', type: 'string', format: 'date-time' },
  [`${META}.MicroTime`]: { description: 'RFC 3339 with microseconds.', type: 'string', format: 'date-time' },
};

interface Dialect {
  prefix: string;
  /** v3 wraps a reference so that extensions may stand beside it. */
  refer(name: string): Json;
}

const V3: Dialect = {
  prefix: '#/components/schemas/',
  refer: (name) => ({ allOf: [{ $ref: `#/components/schemas/${name}` }] }),
};
const V2: Dialect = { prefix: '#/definitions/', refer: (name) => ({ $ref: `#/definitions/${name}` }) };

/** Collects every schema that is reached from the types asked for. */
class Schemas {
  readonly found: Json = {};
  readonly #dialect: Dialect;
  readonly #kinds: ReadonlyMap<TypeName, Kind[]>;

  constructor(dialect: Dialect, kinds: readonly Kind[]) {
    this.#dialect = dialect;
    const byType = new Map<TypeName, Kind[]>();
    for (const kind of kinds) byType.set(kind.typeName, [...(byType.get(kind.typeName) ?? []), kind]);
    this.#kinds = byType;
  }

  add(type: TypeName): string {
    return typeof type === 'string' ? this.#addBuiltIn(type) : this.#addCustom(type);
  }

  /** A list of these, for kinds whose list has no type of its own. */
  addListOf(kind: Kind): string {
    const item = this.add(kind.typeName);
    const name = `${item}List`;
    this.found[name] ??= {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: this.#dialect.refer(this.add('meta.v1.ListMeta')),
        items: { type: 'array', items: this.#dialect.refer(item) },
      },
    };
    return name;
  }

  #addCustom(type: CustomType): string {
    const [kind] = this.#kinds.get(type) ?? [];
    const name = customSchemaName(type.name);
    if (kind === undefined || this.found[name] !== undefined) return name;
    const metadata = this.#dialect.refer(this.add('meta.v1.ObjectMeta'));
    this.found[name] = {
      ...customOpenApi(type.schema, { metadata, isV2: this.#dialect === V2 }),
      'x-kubernetes-group-version-kind': [groupVersionKind(kind)],
    };
    return name;
  }

  #addBuiltIn(typeName: string): string {
    const name = schemaName(typeName);
    const schema = typeSchema(typeName);
    if (this.found[name] !== undefined || schema === undefined) return name;
    // Named before it is filled: types refer to themselves (JSONSchemaProps).
    const out: Json = (this.found[name] = {});
    Object.assign(out, this.#schemaOf(schema));
    const kinds = this.#kinds.get(typeName);
    if (kinds !== undefined) out['x-kubernetes-group-version-kind'] = kinds.map(groupVersionKind);
    return name;
  }

  #schemaOf(schema: TypeSchema): Json {
    if (schema.jsonForm === 'list') return { type: 'array', items: { type: 'string' } };
    if (schema.jsonForm !== undefined) return {};
    const fields = [...schema.fields.values()];
    const required = fields.filter((field) => field.required).map((field) => field.name);
    const described = (field: string): Json => {
      const description = fieldDescription(schema.name, field, schema.isRoot);
      return description === undefined ? {} : { description };
    };
    const own = typeDescription(schema.name);
    return {
      ...(own === undefined ? {} : { description: own }),
      type: 'object',
      ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
      ...(required.length > 0 ? { required: required.toSorted() } : {}),
      properties: {
        ...(schema.isRoot
          ? {
              apiVersion: { ...described('apiVersion'), type: 'string' },
              kind: { ...described('kind'), type: 'string' },
            }
          : {}),
        ...Object.fromEntries(
          fields.map((field) => [field.name, { ...described(field.name), ...this.#property(field) }]),
        ),
      },
    };
  }

  #property(field: FieldSchema): Json {
    const element = this.#typeOf(field);
    const extensions: Json = {};
    if (field.patchKey !== undefined) extensions['x-kubernetes-patch-merge-key'] = field.patchKey;
    if (field.patchStrategies.length > 0) extensions['x-kubernetes-patch-strategy'] = field.patchStrategies.join(',');
    if (field.listType !== undefined) extensions['x-kubernetes-list-type'] = field.listType;
    if (field.listKeys.length > 0) extensions['x-kubernetes-list-map-keys'] = field.listKeys;
    if (field.mapType !== undefined) extensions['x-kubernetes-map-type'] = field.mapType;
    if (field.declaredDefault !== undefined) extensions['default'] = field.declaredDefault;
    if (field.shape === 'list') return { type: 'array', items: element, ...extensions };
    if (field.shape === 'map') return { type: 'object', additionalProperties: element, ...extensions };
    return { ...element, ...extensions };
  }

  #typeOf(field: FieldSchema): Json {
    const named = NAMED_SCALARS[field.type];
    if (named !== undefined) {
      this.found[named] ??= NAMED_SCHEMAS[named];
      return this.#dialect.refer(named);
    }
    if (!isScalarType(field.type)) return this.#dialect.refer(this.add(field.type));
    const known = field.enumName === undefined || field.shape === 'map' ? undefined : enumValues(field.enumName);
    return { ...SCALARS[field.type], ...(known === undefined || known.open ? {} : { enum: known.values }) };
  }
}

const groupVersionKind = (kind: Kind): Json => ({
  group: kind.ref.group,
  version: kind.ref.version,
  kind: kind.ref.kind,
});

const QUERY: Record<string, string[]> = {
  list: [
    'labelSelector',
    'fieldSelector',
    'limit',
    'continue',
    'watch',
    'resourceVersion',
    'resourceVersionMatch',
    'timeoutSeconds',
    'allowWatchBookmarks',
    'sendInitialEvents',
  ],
  write: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
};

/** `GET /openapi/v3`: where each group and version has its document. `hashOf` gives the hash of a document's bytes. */
export function openApiIndex(
  kinds: readonly Kind[],
  hashOf: (group: string, version: string) => string,
  others: ReadonlyArray<{ group: string; version: string; hash: string }> = [],
): Json {
  const paths: Json = {};
  for (const [group, versions] of groupsOf(kinds))
    for (const version of versions.keys()) put(paths, group, version, hashOf(group, version));
  for (const { group, version, hash } of others) put(paths, group, version, hash);
  return { paths };
}

function put(paths: Json, group: string, version: string, hash: string): void {
  const path = openApiPath(group, version);
  paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
}

/** `api/v1`, `apis/apps/v1`. */
export const openApiPath = (group: string, version: string): string =>
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
  const schemas = new Schemas(V3, kinds);
  for (const typeName of COMMON) schemas.add(typeName);
  const paths: Json = {};
  for (const kind of served) Object.assign(paths, pathsOf(kind, schemas.add(kind.typeName), v3Parts));
  for (const kind of served) addList(schemas, kind);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: serverVersion },
    paths,
    components: { schemas: schemas.found },
  };
}

/** The v2 document, of all groups; what other servers publish comes in where no name is taken. */
export function openApiV2(
  kinds: readonly Kind[],
  serverVersion: string,
  others: ReadonlyArray<{ paths?: Record<string, unknown>; definitions?: Record<string, unknown> }> = [],
): Json {
  const schemas = new Schemas(V2, kinds);
  for (const typeName of COMMON) schemas.add(typeName);
  const paths: Json = {};
  for (const kind of kinds) {
    Object.assign(paths, pathsOf(kind, schemas.add(kind.typeName), v2Parts));
    addList(schemas, kind);
  }
  const definitions = schemas.found;
  for (const other of others) {
    Object.assign(paths, { ...other.paths, ...paths });
    Object.assign(definitions, { ...other.definitions, ...definitions });
  }
  return { swagger: '2.0', info: { title: 'Kubernetes', version: serverVersion }, paths, definitions };
}

function addList(schemas: Schemas, kind: Kind): void {
  if (!kind.stored) return;
  const { typeName } = kind;
  const name =
    typeof typeName === 'string'
      ? schemas.add(`${typeName.slice(0, typeName.lastIndexOf('.'))}.${kind.listKind}`)
      : schemas.addListOf(kind);
  if (schemas.found[name] !== undefined)
    schemas.found[name]['x-kubernetes-group-version-kind'] = [{ ...groupVersionKind(kind), kind: kind.listKind }];
}

/** How a dialect writes parameters, bodies and answers. */
interface Parts {
  parameter(name: string): Json;
  body(schema: string): Json;
  answer(schema: string): Json;
}

const v3Content = (schema: string): Json => ({
  'application/json': { schema: { $ref: V3.prefix + schema } },
});
const v3Parts: Parts = {
  parameter: (name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } }),
  body: (schema) => ({ requestBody: { required: true, content: v3Content(schema) } }),
  answer: (schema) => ({ responses: { '200': { description: 'OK', content: v3Content(schema) } } }),
};
const v2Parts: Parts = {
  parameter: (name) => ({ name, in: 'query', type: 'string', uniqueItems: true }),
  body: (schema) => ({ bodies: [{ name: 'body', in: 'body', required: true, schema: { $ref: V2.prefix + schema } }] }),
  answer: (schema) => ({ responses: { '200': { description: 'OK', schema: { $ref: V2.prefix + schema } } } }),
};

function pathsOf(kind: Kind, schema: string, parts: Parts): Json {
  const at = kind.ref.namespaced ? { namespace: '{namespace}' } : {};
  const unescape = (path: string): string => decodeURIComponent(path);
  const operation = (method: string, action: string, query: string[], hasBody: boolean): Json => {
    const { bodies = [], ...rest } = hasBody ? parts.body(schema) : {};
    return {
      operationId: `${method}${apiVersionOf(kind.ref).replace(/[^a-z0-9]/gi, '_')}_${kind.ref.kind}_${action}`,
      parameters: [...bodies, ...query.map((name) => parts.parameter(name))],
      ...rest,
      ...parts.answer(schema),
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': groupVersionKind(kind),
    };
  };
  const has = (verb: string): boolean => kind.verbs.includes(verb);
  const collection: Json = {};
  const item: Json = {};
  if (has('list')) collection['get'] = operation('get', 'list', QUERY['list']!, false);
  if (has('create')) collection['post'] = operation('post', 'post', QUERY['write']!, true);
  if (has('deletecollection')) collection['delete'] = operation('delete', 'deletecollection', QUERY['list']!, false);
  if (has('get')) item['get'] = operation('get', 'get', [], false);
  if (has('update')) item['put'] = operation('put', 'put', QUERY['write']!, true);
  if (has('patch')) item['patch'] = operation('patch', 'patch', QUERY['patch']!, true);
  if (has('delete'))
    item['delete'] = operation('delete', 'delete', ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'], false);
  const out: Json = { [unescape(resourcePath(kind.ref, at))]: collection };
  if (Object.keys(item).length > 0) out[unescape(resourcePath(kind.ref, { ...at, name: '{name}' }))] = item;
  return out;
}
