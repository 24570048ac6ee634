// Decides how types read as OpenAPI schemas: properties, defaults, enumerations, list and patch semantics. Never writes a
// description (descriptions.ts does), and never decides which types a document needs.
import type { CustomType, TypeName } from '../custom/custom-type.ts';
import { customOpenApi } from '../custom/open-api.ts';
import { fieldDescription, typeDescription } from '../descriptions.ts';
import type { Kind } from '../kind.ts';
import { enumValues, isScalarType, typeSchema, type FieldSchema, type TypeSchema } from '../schema.ts';
import type { Json } from './paths.ts';

export const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const RAW = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions';
const HOMES: Record<string, string> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: EXTENSIONS,
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  metrics: 'io.k8s.metrics.pkg.apis.metrics',
};

/** `apps.v1.Deployment` → `io.k8s.api.apps.v1.Deployment`. */
function schemaName(typeName: string): string {
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
};
/** What a field that is always there says when nobody set it. */
const ZEROS: Record<string, unknown> = { string: '', bool: false, int32: 0, int64: 0 };
const NAMED_SCALARS: Record<string, string> = {
  quantity: QUANTITY,
  intOrString: INT_OR_STRING,
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  raw: RAW,
  fieldsV1: `${META}.FieldsV1`,
  json: `${EXTENSIONS}.v1.JSON`,
};
const NUMBER_OR_TEXT = [{ type: 'string' }, { type: 'number' }];
const INTEGER_OR_TEXT = [{ type: 'integer' }, { type: 'string' }];

/** `isV3`: v2 has no word for "one of these types". */
function namedSchema(name: string, isV3: boolean): Json {
  switch (name) {
    case QUANTITY:
      return {
        description: 'A fixed-point number such as 100m, 1.5 or 128Mi.',
        ...(isV3 ? { oneOf: NUMBER_OR_TEXT } : { type: 'string' }),
      };
    case INT_OR_STRING:
      return {
        description: 'A number or a text.',
        format: 'int-or-string',
        ...(isV3 ? { oneOf: INTEGER_OR_TEXT } : { type: 'string' }),
      };
    case `${META}.Time`:
      return { description: 'RFC 3339 with whole seconds.', type: 'string', format: 'date-time' };
    case `${META}.MicroTime`:
      return { description: 'RFC 3339 with microseconds.', type: 'string', format: 'date-time' };
    case `${META}.FieldsV1`:
      return { description: 'The fields that somebody owns, as a tree of their names.', type: 'object' };
    case RAW:
      return { description: 'Any object.', type: 'object' };
    default:
      return { description: 'Any JSON value.' };
  }
}

const VERSION_ALWAYS = 'major minor gitVersion gitCommit gitTreeState buildDate goVersion compiler platform'.split(' ');
const VERSION_SOMETIMES = 'emulationMajor emulationMinor minCompatibilityMajor minCompatibilityMinor'.split(' ');

/** Values that are known and not told, and the other way round: clients would check what the API does not promise, or not what it does. */
const ENUMS_UNTOLD = new Set([
  'admissionregistration.v1.ScopeType',
  'meta.v1.ConditionStatus',
  'meta.v1.ManagedFieldsOperationType',
]);
const ENUMS_TOLD: Readonly<Record<string, readonly string[]>> = {
  'discovery.v1.EndpointSlice.addressType': ['FQDN', 'IPv4', 'IPv6'],
  'networking.v1.HTTPIngressPath.pathType': ['Exact', 'ImplementationSpecific', 'Prefix'],
};

export interface Dialect {
  readonly prefix: string;
  readonly isV3: boolean;
}

export const V3: Dialect = { prefix: '#/components/schemas/', isV3: true };
export const V2: Dialect = { prefix: '#/definitions/', isV3: false };

/** Collects every schema that is reached from the types asked for. */
export class Schemas {
  readonly found: Json = {};
  readonly #dialect: Dialect;
  readonly #kinds: ReadonlyMap<TypeName, readonly Kind[]>;

  constructor(dialect: Dialect, kinds: readonly Kind[]) {
    this.#dialect = dialect;
    this.#kinds = Map.groupBy(kinds, ({ typeName }) => typeName);
  }

  add(type: TypeName): string {
    return typeof type === 'string' ? this.#addBuiltIn(type) : this.#addCustom(type);
  }

  /** The list of a kind; of kinds whose list has no type of its own, one is made. */
  addListOf(kind: Kind): string {
    const { typeName, listKind, ref } = kind;
    const name =
      typeof typeName === 'string'
        ? this.add(`${typeName.slice(0, typeName.lastIndexOf('.'))}.${listKind}`)
        : this.#addCustomList(kind);
    const own = { group: ref.group, kind: listKind, version: ref.version };
    if (this.found[name] !== undefined) this.found[name]['x-kubernetes-group-version-kind'] = [own];
    return name;
  }

  /** Of what tells what is served; each is a kind of the core. */
  addDiscovery(typeName: string): string {
    return this.addKind(typeName, { group: '', version: 'v1' });
  }

  /** A kind that is only ever a part of others, or an answer. */
  addKind(typeName: string, { group, version }: { group: string; version: string }): string {
    const name = this.add(typeName);
    const kind = typeName.slice(typeName.lastIndexOf('.') + 1);
    if (this.found[name] !== undefined)
      this.found[name]['x-kubernetes-group-version-kind'] ??= [{ group, kind, version }];
    return name;
  }

  addVersion(): string {
    const name = 'io.k8s.apimachinery.pkg.version.Info';
    const text = { type: 'string' };
    this.found[name] ??= {
      description: 'Which version answers.',
      type: 'object',
      required: VERSION_ALWAYS,
      properties: Object.fromEntries([
        ...VERSION_ALWAYS.map((field) => [field, this.#dialect.isV3 ? { ...text, default: '' } : text]),
        ...VERSION_SOMETIMES.map((field) => [field, text]),
      ]),
    };
    return name;
  }

  #addCustomList(kind: Kind): string {
    const item = this.add(kind.typeName);
    const name = `${item}List`;
    this.found[name] ??= {
      description: `A list of ${kind.ref.kind}.`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: this.#refer(this.add('meta.v1.ListMeta')),
        items: { type: 'array', items: this.#refer(item) },
      },
    };
    return name;
  }

  #addCustom(type: CustomType): string {
    const [kind] = this.#kinds.get(type) ?? [];
    const name = customSchemaName(type.name);
    if (kind === undefined || this.found[name] !== undefined) return name;
    const metadata = this.#refer(this.add('meta.v1.ObjectMeta'));
    this.found[name] = {
      ...customOpenApi(type.schema, { metadata, isV2: !this.#dialect.isV3 }),
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

  #refer(name: string): Json {
    const reference = { $ref: this.#dialect.prefix + name };
    // v3 wraps a reference so that something may stand beside it.
    return this.#dialect.isV3 ? { allOf: [reference] } : reference;
  }

  #schemaOf(schema: TypeSchema): Json {
    const own = typeDescription(schema.name);
    const description = own === undefined ? {} : { description: own };
    if (schema.jsonForm !== undefined) return description;
    const fields = [...schema.fields.values()];
    const required = fields.filter((field) => field.required).map((field) => field.name);
    const described = (field: string): Json => {
      const text = fieldDescription(schema.name, field, schema.isRoot);
      return text === undefined ? {} : { description: text };
    };
    const properties = {
      ...(schema.isRoot
        ? {
            apiVersion: { ...described('apiVersion'), type: 'string' },
            kind: { ...described('kind'), type: 'string' },
          }
        : {}),
      ...Object.fromEntries(
        fields.map((field) => [field.name, { ...described(field.name), ...this.#property(field, schema.name) }]),
      ),
    };
    return {
      ...description,
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
      ...(schema.unions === undefined ? {} : { 'x-kubernetes-unions': schema.unions }),
    };
  }

  #property(field: FieldSchema, owner: string): Json {
    const extensions: Json = {};
    if (field.listType !== undefined) extensions['x-kubernetes-list-type'] = field.listType;
    if (field.listKeys.length > 0) extensions['x-kubernetes-list-map-keys'] = field.listKeys;
    if (field.patchKey !== undefined) extensions['x-kubernetes-patch-merge-key'] = field.patchKey;
    if (field.patchStrategies.length > 0) extensions['x-kubernetes-patch-strategy'] = field.patchStrategies.join(',');
    if (field.mapType !== undefined) extensions['x-kubernetes-map-type'] = field.mapType;
    const element = this.#typeOf(field, owner);
    if (field.shape === 'list') return { type: 'array', items: this.#element(field, element), ...extensions };
    if (field.shape === 'map')
      return { type: 'object', additionalProperties: this.#element(field, element), ...extensions };
    return { ...element, ...this.#defaultOf(field), ...extensions };
  }

  /** Of a list or a map: it is there, so a value is its zero at least. */
  #element(field: FieldSchema, element: Json): Json {
    if (!this.#dialect.isV3) return element;
    if (isStruct(field.type)) return { ...element, default: {} };
    if (ZEROS[field.type] !== undefined) return { ...element, default: ZEROS[field.type] };
    return element.allOf === undefined ? element : element.allOf[0];
  }

  /** v2 never told defaults. */
  #defaultOf(field: FieldSchema): Json {
    if (!this.#dialect.isV3) return {};
    if (field.declaredDefault !== undefined) return { default: field.declaredDefault };
    if (field.pointer) return {};
    if (isStruct(field.type)) return { default: {} };
    const zero = ZEROS[field.type];
    return zero === undefined || field.omitEmpty ? {} : { default: zero };
  }

  #typeOf(field: FieldSchema, owner: string): Json {
    const named = NAMED_SCALARS[field.type];
    if (named !== undefined) {
      this.found[named] ??= namedSchema(named, this.#dialect.isV3);
      return this.#refer(named);
    }
    if (typeSchema(field.type)?.jsonForm === 'list')
      return { type: 'array', items: { type: 'string', ...(this.#dialect.isV3 ? { default: '' } : {}) } };
    if (!isScalarType(field.type)) return this.#refer(this.add(field.type));
    const values = enumOf(field, owner);
    return { ...SCALARS[field.type], ...(values === undefined ? {} : { enum: values }) };
  }
}

function enumOf(field: FieldSchema, owner: string): readonly string[] | undefined {
  const told = ENUMS_TOLD[`${owner}.${field.name}`];
  if (told !== undefined || field.enumName === undefined || ENUMS_UNTOLD.has(field.enumName)) return told;
  const known = enumValues(field.enumName);
  return known === undefined || known.open ? undefined : known.values.toSorted();
}

/** Not what is an object in Go alone: a list, or a union of forms. */
const isStruct = (type: string): boolean => !isScalarType(type) && typeSchema(type)?.jsonForm === undefined;

const groupVersionKind = ({ ref }: Kind): Json => ({ group: ref.group, kind: ref.kind, version: ref.version });
