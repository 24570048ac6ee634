// Decides how a version of a CRD becomes a kind like every other: names, schema, rules, columns, scale, versions. Never decides
// whether it is served (the API actor does) and never keeps anything.
import { CREATED_DESCRIPTION, NAME_COLUMN } from '../columns.ts';
import { invalidValue, type FieldError } from '../field-error.ts';
import { makeKind, type Kind } from '../kind.ts';
import type { Column, KubeObject, StoredForm } from '../object.ts';
import type { ScalePaths } from '../scale.ts';
import { compareVersions } from '../discovery.ts';
import { Converter, type ConversionWebhook } from './conversion.ts';
import { customType, type CustomType } from './custom-type.ts';
import { fillDefaults, hasDefaults } from './defaults.ts';
import { printedCell } from './printed-cell.ts';
import { fieldNames, parseJsonPath, valueAt, valuesAt, type JsonPath } from './json-path.ts';
import type { JsonSchema } from './json-schema.ts';
import { hasEmbedded, validateEmbedded } from './embedded.ts';
import { hasRules, validateRules } from './rules.ts';
import { validateLists, validateSchema } from './validate.ts';

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const PART_VERBS = ['get', 'patch', 'update'];
const ANYTHING: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const AGE: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description: CREATED_DESCRIPTION,
  jsonPath: '.metadata.creationTimestamp',
};

interface PrinterColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

/** What a version of a CRD says (apiextensions.v1.CustomResourceDefinitionVersion). */
interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: JsonSchema };
  subresources?: { status?: object; scale?: ScaleRow };
  additionalPrinterColumns?: PrinterColumn[];
  selectableFields?: Array<{ jsonPath: string }>;
}

interface ScaleRow {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string;
}

/** Its objects as they are kept, whether that version is served or not; undefined: the CRD names none. */
export function storedKind(crd: KubeObject): Kind | undefined {
  const stored = ((crd['spec'].versions ?? []) as Version[]).find(({ storage }) => storage);
  return stored === undefined ? undefined : kindOf(crd, stored, stored.name);
}

/** The kinds of a CRD, one for each version that it serves. */
export function customKinds(crd: KubeObject, isWanted: (version: Version) => boolean = isServed): Kind[] {
  const versions = (crd['spec'].versions ?? []) as Version[];
  const stored = versions.find(({ storage }) => storage);
  const converter = converterOf(crd);
  return stored === undefined ? [] : versions.filter(isWanted).map((one) => kindOf(crd, one, stored.name, converter));
}

const isServed = ({ served }: Version): boolean => served;

/** Undefined: versions differ in nothing but their name. */
function converterOf(crd: KubeObject): Converter | undefined {
  const { group, names, conversion } = crd['spec'];
  if (conversion?.strategy !== 'Webhook') return undefined;
  const finish = new Map<string, (object: KubeObject) => KubeObject>();
  for (const version of crd['spec'].versions as Version[]) {
    const type = typeOf(crd, version);
    const schema = schemaOf(version);
    finish.set(`${group}/${version.name}`, (object) => {
      const pruned = type.canonical(object).value as KubeObject;
      if (hasDefaults(schema)) fillDefaults(schema, pruned);
      return pruned;
    });
  }
  return new Converter(conversion.webhook as ConversionWebhook, names.kind, finish);
}

const schemaOf = (version: Version): JsonSchema => version.schema?.openAPIV3Schema ?? ANYTHING;

function typeOf(crd: KubeObject, version: Version): CustomType {
  const { group, names, preserveUnknownFields } = crd['spec'];
  const schema = schemaOf(version);
  return customType(
    `${group}.${version.name}.${names.kind}`,
    preserveUnknownFields === true ? { ...ANYTHING, ...schema } : schema,
    version.subresources?.status !== undefined,
  );
}

/** The words of the CRD, or that there is something better; undefined: the version is not deprecated. */
function deprecationOf(crd: KubeObject, version: Version): string | undefined {
  if (version.deprecated !== true) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const { group, names } = crd['spec'];
  const [better] = (crd['spec'].versions as Version[])
    .filter((one) => one.served && one.deprecated !== true && compareVersions(one.name, version.name) < 0)
    .map(({ name }) => name)
    .toSorted(compareVersions);
  const told = `${group}/${version.name} ${names.kind} is deprecated`;
  return better === undefined ? told : `${told}; use ${group}/${better} ${names.kind}`;
}

function kindOf(crd: KubeObject, version: Version, storedVersion: string, converter?: Converter): Kind {
  const { group, scope, names } = crd['spec'];
  const schema = schemaOf(version);
  const deprecationWarning = deprecationOf(crd, version);
  const { status, scale } = version.subresources ?? {};
  const columns = columnsOf(version);
  const fills = hasDefaults(schema);
  const storedAs = storageOf(group, names.plural, version.name, storedVersion, fills ? schema : undefined, converter);
  return makeKind(
    {
      group,
      version: version.name,
      kind: names.kind,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      listKind: names.listKind ?? `${names.kind}List`,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      namespaced: scope === 'Namespaced',
      type: typeOf(crd, version),
      verbs: VERBS,
      subresources: {
        ...(status === undefined ? {} : { status: { kind: names.kind, verbs: PART_VERBS } }),
        ...(scale === undefined
          ? {}
          : { scale: { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: PART_VERBS } }),
      },
    },
    {
      group,
      version: version.name,
      kind: names.kind,
      hasGeneration: true,
      allowsUnconditionalUpdate: false,
      storedAs,
      ...(deprecationWarning === undefined ? {} : { deprecationWarning }),
      default(object) {
        if (fills) fillDefaults(schema, object);
      },
      validateCreate: (object) => problems(schema, scale, object, undefined),
      validateUpdate: (object, old) => problems(schema, scale, object, old),
      validateStatusUpdate: (object, old) => statusProblems(schema, scale, object, old),
      prepareForStatusUpdate(object, old) {
        object.metadata = { ...old.metadata, managedFields: object.metadata.managedFields! };
      },
      columns: columns.map(([column]) => column),
      cells: (object, now) => columns.map(([, cell]) => cell(object, now)),
      fields: selectable(version),
      ...(scale === undefined ? {} : { scale: scalePaths(scale) }),
    },
  );
}

/** Without a webhook only the version is another. Defaults hold for what was stored before they were there, too. */
function storageOf(
  group: string,
  resource: string,
  version: string,
  storedVersion: string,
  defaults: JsonSchema | undefined,
  converter: Converter | undefined,
): StoredForm {
  const named = (object: KubeObject, apiVersion: string): KubeObject => {
    if (object.apiVersion === apiVersion) return object;
    return converter === undefined ? { ...object, apiVersion } : converter.as(object, apiVersion, true);
  };
  return {
    converter,
    group,
    resource,
    version: storedVersion,
    toStored: (object) => named(object, `${group}/${storedVersion}`),
    fromStored(object) {
      const apiVersion = `${group}/${version}`;
      const read = named(object, apiVersion);
      // What a webhook converted has its defaults.
      if (defaults === undefined || (converter !== undefined && read !== object)) return read;
      const filled = structuredClone(read);
      fillDefaults(defaults, filled);
      return filled;
    },
  };
}

const NOT_ALL_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

function problems(
  schema: JsonSchema,
  scale: ScaleRow | undefined,
  object: KubeObject,
  old: KubeObject | undefined,
): FieldError[] {
  const errors = validateSchema(schema, object, '', old);
  if (scale !== undefined) errors.push(...scaleProblems(scale, object));
  if (hasEmbedded(schema)) errors.push(...validateEmbedded(schema, object));
  if (old === undefined || validateLists(schema, old).length === 0) errors.push(...validateLists(schema, object));
  if (!hasRules(schema)) return errors;
  if (errors.some(isBlocking)) return [...errors, invalidValue('', null, NOT_ALL_CHECKED)];
  return [...errors, ...validateRules(schema, object, old)];
}

/** The status is judged by itself, and told of as such; the rules see the whole. */
function statusProblems(
  schema: JsonSchema,
  scale: ScaleRow | undefined,
  object: KubeObject,
  old: KubeObject,
): FieldError[] {
  const own = schema.properties?.['status'];
  const all = problems(schema, scale, object, old).filter(({ path }) => !/^status\b/.test(path));
  if (own === undefined || object['status'] === undefined) return all;
  const wrong = validateSchema(own, object['status'], '', old['status']).map((error): FieldError => ({
    ...error,
    path: ['', '<nil>'].includes(error.path) ? 'status' : `status${error.path.startsWith('[') ? '' : '.'}${error.path}`,
  }));
  const ruled = hasRules(schema) && wrong.length === 0 ? validateRules(schema, object, old) : [];
  const lists = validateLists(own, object['status'], 'status');
  const blocked = hasRules(schema) && wrong.some(isBlocking) ? [invalidValue('', null, NOT_ALL_CHECKED)] : [];
  return [...wrong, ...lists, ...ruled.filter(({ path }) => /^status\b/.test(path)), ...blocked];
}

/** After these a rule could meet a value that its types do not foresee. */
const BLOCKING = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const isBlocking = ({ code }: FieldError): boolean => BLOCKING.has(code);

/** Replicas are a number that fits into 32 bits. */
function scaleProblems({ specReplicasPath, statusReplicasPath }: ScaleRow, object: KubeObject): FieldError[] {
  return [specReplicasPath, statusReplicasPath].flatMap((text) => {
    const path = parseJsonPath(text);
    const value = path === undefined ? undefined : valueAt(path, object);
    if (typeof value !== 'number' || !Number.isInteger(value)) return [];
    if (value < 0) return [invalidValue(text, value, 'should be a non-negative integer')];
    return value > MOST_REPLICAS ? [invalidValue(text, value, `should be less than or equal to ${MOST_REPLICAS}`)] : [];
  });
}

const MOST_REPLICAS = 2 ** 31 - 1;

type Cell = (object: KubeObject, now: number) => unknown;

function columnsOf(version: Version): Array<[Column, Cell]> {
  const own = version.additionalPrinterColumns ?? [];
  // Upstream reads no further after a path that it does not understand.
  const broken = own.findIndex(({ jsonPath }) => parseJsonPath(jsonPath) === undefined);
  const shown = own.length === 0 ? [AGE] : broken < 0 ? own : own.slice(0, broken);
  return [
    [NAME_COLUMN, ({ metadata }) => metadata.name],
    ...shown.map((column): [Column, Cell] => {
      const { name, type, format = '', priority = 0, jsonPath } = column;
      const described = column.description || `Custom resource definition column (in JSONPath format): ${jsonPath}`;
      return [[name, type, format, priority, described], cellOf(type, parseJsonPath(jsonPath)!)];
    }),
  ];
}

function cellOf(type: string, path: JsonPath): Cell {
  return (object, now) => {
    const [value] = valuesAt(path, object);
    return value === undefined ? null : printedCell(type, value, now);
  };
}

function selectable(version: Version): Record<string, (object: KubeObject) => string> {
  return Object.fromEntries(
    (version.selectableFields ?? []).flatMap(({ jsonPath }) => {
      const path = parseJsonPath(jsonPath);
      if (path === undefined) return [];
      const value = (object: KubeObject): string => {
        const found = valueAt(path, object);
        return found === undefined || found === null ? '' : String(found as string);
      };
      return [[jsonPath.replace(/^\./, ''), value]];
    }),
  );
}

function scalePaths({ specReplicasPath, statusReplicasPath, labelSelectorPath }: ScaleRow): ScalePaths {
  const namesOf = (path: string): string[] => fieldNames(parseJsonPath(path) ?? []) ?? [];
  return {
    replicas: namesOf(specReplicasPath),
    statusReplicas: namesOf(statusReplicasPath),
    ...(labelSelectorPath === undefined ? {} : { selector: namesOf(labelSelectorPath) }),
  };
}
