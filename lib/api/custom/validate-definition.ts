// Decides what is wrong with the spec of a CustomResourceDefinition: names, versions, schemas, columns, conversion. Never looks at
// what it was before (the kind does) and never serves one.
import { isRecord } from '../../base/records.ts';
import { equalObjects } from '../equality.ts';
import {
  duplicate,
  forbidden,
  GoText,
  invalidValue,
  oneOf,
  required,
  tooMany,
  type FieldError,
} from '../field-error.ts';
import { dns1035Label, dns1123Subdomain } from '../formats.ts';
import { validateWebhookService, validateWebhookUrl } from '../kinds/webhook-client.ts';
import { fieldPath } from './field-path.ts';
import { goVersions } from './go-value.ts';
import type { JsonSchema } from './json-schema.ts';
import { validateKeywords } from './keywords.ts';
import { rootPlace } from './rule-check.ts';
import { validateDefaults } from './schema-defaults.ts';
import { validateStructural } from './structural.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const MOST_SELECTABLE = 8;
/** What may stand at the root of a schema when `status` is written by itself. */
const AT_ROOT = `Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations`;
const ALLOWED_AT_ROOT = new Set([
  ...AT_ROOT.split(' ').map((name) => name[0]!.toLowerCase() + name.slice(1)),
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]);

/** What versions say alike the real server says once, and tells of at the spec. */
interface Parts {
  schema?: { openAPIV3Schema?: JsonSchema };
  subresources?: any;
  additionalPrinterColumns?: any[];
  selectableFields?: any[];
}

const PARTS = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;
/** Their names at the spec. */
const SHARED = { schema: 'validation' } as Readonly<Record<string, string>>;

/** `old`: what it was before; versions of it whose schema stays may have rules that cost too much by themselves. */
export function validateSpec(spec: any, old?: any): FieldError[] {
  const versions: any[] = spec.versions ?? [];
  const keepsSchema = ({ name, schema }: any): boolean =>
    (old?.versions ?? []).some((one: any) => one.name === name && equalObjects(one.schema, schema));
  const shared: Parts = {};
  for (const part of PARTS)
    if (versions.length > 0 && versions.every((one) => equalObjects(one[part], versions[0][part])))
      shared[part] = versions[0][part];
  const own = versions.map((version) =>
    Object.fromEntries(Object.entries(version).filter(([key]) => !(key in shared))),
  );
  return [
    ...validateGroup(spec.group ?? ''),
    ...oneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced'], true),
    ...versions.flatMap((version, i) =>
      isRecord(version.schema?.openAPIV3Schema)
        ? []
        : [required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required')],
    ),
    ...own.flatMap((version, i) =>
      validateVersion(version, versions[i], `spec.versions[${i}]`, keepsSchema(versions[i])),
    ),
    ...validateVersions(versions, own),
    ...validateNames(spec.names ?? {}),
    ...validateParts(shared, 'spec', {
      hasStatus: versions.some(({ subresources }) => subresources?.status !== undefined),
      keepsSchema: versions.length > 0 && keepsSchema(versions[0]),
      names: SHARED,
    }),
    ...validateConversion(spec.conversion),
  ];
}

function validateGroup(group: string): FieldError[] {
  const path = 'spec.group';
  if (group === '') return [required(path)];
  const wrong = dns1123Subdomain(group);
  if (wrong.length > 0) return [invalidValue(path, group, wrong.join(','))];
  return group.includes('.') ? [] : [invalidValue(path, group, 'should be a domain with at least one dot')];
}

function validateVersion(own: any, version: any, path: string, keepsSchema: boolean): FieldError[] {
  const name: string = version.name ?? '';
  const wrong = dns1035Label(name);
  return [
    ...(wrong.length === 0 ? [] : [invalidValue(`${path}.name`, name, wrong.join(','))]),
    ...validateDeprecation(version, `${path}.deprecationWarning`),
    ...validateParts(own, path, { hasStatus: version.subresources?.status !== undefined, keepsSchema }),
  ];
}

const LONGEST_WARNING = 256;

function validateDeprecation({ deprecated, deprecationWarning: warning }: any, path: string): FieldError[] {
  if (typeof warning !== 'string') return [];
  const refuse = (why: string): FieldError => invalidValue(path, warning, why);
  if (deprecated !== true) return [refuse('can only be set for deprecated versions')];
  const errors: FieldError[] = [];
  if (new TextEncoder().encode(warning).length > LONGEST_WARNING)
    errors.push(refuse(`must be <= ${LONGEST_WARNING} characters long`));
  if (warning === '') errors.push(refuse('must not be an empty string'));
  const at = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(warning)?.index;
  if (at !== undefined) {
    const index = new TextEncoder().encode(warning.slice(0, at)).length;
    const told = `must only contain printable UTF-8 characters; non-printable character found at index ${index}`;
    errors.push(refuse(told));
  }
  return errors;
}

function validateVersions(versions: any[], own: any[]): FieldError[] {
  const path = 'spec.versions';
  const errors: FieldError[] = [];
  const shown = new GoText(goVersions(versions.length === 0 ? undefined : own));
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    errors.push(invalidValue(path, shown, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage === true).length !== 1)
    errors.push(invalidValue(path, shown, 'must have exactly one version marked as storage version'));
  const first: string = versions[0]?.name ?? '';
  const wrong = first === '' ? [] : dns1035Label(first);
  return wrong.length === 0 ? errors : [...errors, invalidValue('spec.version', first, wrong.join(','))];
}

/** Of the spec, or as they were accepted. */
export function validateNames(names: any, path = 'spec.names', needsAll = true): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['plural', 'singular', 'kind', 'listKind'])
    if (needsAll && !names[field]) errors.push(required(`${path}.${field}`));
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const name: string = names[field] ?? '';
    const isKind = field === 'kind' || field === 'listKind';
    const wrong = name === '' ? [] : dns1035Label(isKind ? name.toLowerCase() : name);
    const prefix = isKind ? 'may have mixed case, but should otherwise match: ' : '';
    if (wrong.length > 0) errors.push(invalidValue(`${path}.${field}`, name, prefix + wrong.join(',')));
  }
  const list = (field: string): void =>
    (names[field] ?? []).forEach((name: string, i: number) => {
      const wrong = dns1035Label(name);
      if (wrong.length > 0) errors.push(invalidValue(`${path}.${field}[${i}]`, name, wrong.join(',')));
    });
  list('shortNames');
  if (names.kind && names.kind === names.listKind)
    errors.push(invalidValue(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  list('categories');
  return errors;
}

interface About {
  hasStatus: boolean;
  /** It was so before. */
  keepsSchema: boolean;
  names?: Readonly<Record<string, string>>;
}

function validateParts(parts: Parts, path: string, about: About): FieldError[] {
  const { names = {} } = about;
  const at = (part: keyof Parts): string => `${path}.${names[part] ?? part}`;
  const schema = parts.schema?.openAPIV3Schema;
  return [
    ...(isRecord(schema) ? validateSchemaOf(schema, `${at('schema')}.openAPIV3Schema`, about) : []),
    ...validateScale(parts.subresources?.scale, `${at('subresources')}.scale`),
    ...(parts.additionalPrinterColumns ?? []).flatMap((column, i) =>
      validateColumn(column, `${at('additionalPrinterColumns')}[${i}]`),
    ),
    ...validateSelectable(parts.selectableFields ?? [], schema ?? {}, at('selectableFields')),
  ];
}

function validateSchemaOf(schema: JsonSchema, path: string, { hasStatus, keepsSchema }: About): FieldError[] {
  const errors = hasStatus ? rootProblems(schema, path) : [];
  if (schema.nullable === true) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  let shape = hasArrays(schema) ? [] : validateStructural(schema, path);
  if (shape.length === 0) shape = validateDefaults(schema, path);
  const rules = shape.length === 0 ? rootPlace(schema, !keepsSchema) : undefined;
  errors.push(...shape, ...validateKeywords(schema, path, rules));
  return [...errors, ...(rules?.costs.problems(path) ?? [])];
}

/** `items` as a list is told as what it is, and nothing else of the schema's structure. */
function hasArrays(schema: JsonSchema): boolean {
  if (Array.isArray(schema.items)) return true;
  const more = schema.additionalProperties;
  const parts = [
    schema.items,
    isRecord(more) ? (more as JsonSchema) : undefined,
    ...Object.values(schema.properties ?? {}),
  ];
  return parts.some((part) => part !== undefined && hasArrays(part));
}

function rootProblems(schema: JsonSchema, path: string): FieldError[] {
  if (schema.type !== undefined && schema.type !== 'object')
    return [
      invalidValue(
        `${path}.type`,
        schema.type,
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      ),
    ];
  const isRefused = ([name, value]: [string, unknown]): boolean => value !== undefined && !ALLOWED_AT_ROOT.has(name);
  if (!Object.entries(schema).some(isRefused)) return [];
  const told = `only [${AT_ROOT}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [invalidValue(path, schema, told)];
}

function validateScale(scale: any, path: string): FieldError[] {
  if (!isRecord(scale)) return [];
  const errors: FieldError[] = [];
  const check = (field: string, under: readonly string[], told: string): void => {
    const text = (scale[field] ?? '') as string;
    const at = `${path}.${field}`;
    if (text === '') {
      if (field !== 'labelSelectorPath') errors.push(required(at));
    } else if (!text.startsWith('.')) errors.push(invalidValue(at, text, SIMPLE_PATH));
    else if (!under.some((one) => text.startsWith(`.${one}.`))) errors.push(invalidValue(at, text, told));
  };
  check('specReplicasPath', ['spec'], 'should be a json path under .spec');
  check('statusReplicasPath', ['status'], 'should be a json path under .status');
  check('labelSelectorPath', ['spec', 'status'], 'should be a json path under either .spec or .status');
  return errors;
}

const SIMPLE_PATH = 'must be a simple json path starting with .';

function validateColumn(column: any, path: string): FieldError[] {
  const { name = '', type = '', format = '', jsonPath = '' } = column;
  const errors: FieldError[] = [];
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (name === '') errors.push(required(`${path}.name`));
  if (type === '') errors.push(required(`${path}.type`, types));
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalidValue(`${path}.type`, type, types));
  if (format !== '' && !COLUMN_FORMATS.includes(format))
    errors.push(invalidValue(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  if (jsonPath === '') errors.push(required(`${path}.JSONPath`));
  else if (!jsonPath.startsWith('.')) errors.push(invalidValue(`${path}.JSONPath`, jsonPath, SIMPLE_PATH));
  return errors;
}

function validateSelectable(fields: any[], schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  fields.forEach(({ jsonPath = '' }: { jsonPath?: string }, i) => {
    const at = `${path}[${i}].jsonPath`;
    if (jsonPath === '') return void errors.push(required(at));
    const found = fieldPath(jsonPath, schema, false);
    if (typeof found === 'string') return void errors.push(invalidValue(at, jsonPath, `is an invalid path: ${found}`));
    if (found.root === 'metadata') errors.push(invalidValue(at, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.schema.type ?? ''))
      errors.push(invalidValue(at, jsonPath, SELECTABLE));
    if (seen.has(found.text)) errors.push(duplicate(at, jsonPath));
    seen.add(found.text);
  });
  if (seen.size > MOST_SELECTABLE) errors.push(tooMany(path, seen.size, MOST_SELECTABLE));
  return errors;
}

const SELECTABLE =
  'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';

function validateConversion(conversion: any): FieldError[] {
  const path = 'spec.conversion';
  const { strategy, webhook } = conversion ?? {};
  const errors = oneOf(`${path}.strategy`, strategy, ['None', 'Webhook'], true);
  const { clientConfig, conversionReviewVersions: versions = [] } = webhook ?? {};
  const [clientPath, versionsPath] = [`${path}.webhookClientConfig`, `${path}.conversionReviewVersions`];
  if (strategy !== 'Webhook') {
    const told = 'should not be set when strategy is not set to Webhook';
    if (clientConfig !== undefined) errors.push(forbidden(clientPath, told));
    if (versions.length > 0) errors.push(forbidden(versionsPath, told));
    return errors;
  }
  if (clientConfig === undefined) errors.push(required(clientPath, 'required when strategy is set to Webhook'));
  else errors.push(...validateClient(clientConfig, clientPath));
  return [...errors, ...validateReviewVersions(versions, versionsPath)];
}

function validateClient({ url, service }: any, path: string): FieldError[] {
  if ((url === undefined) === (service === undefined))
    return [required(path, 'exactly one of url or service is required')];
  return url === undefined
    ? validateWebhookService(service, `${path}.service`)
    : validateWebhookUrl(url, `${path}.url`);
}

const REVIEW_VERSIONS = ['v1', 'v1beta1'];

function validateReviewVersions(versions: readonly string[], path: string): FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalidValue(`${path}[${i}]`, version, 'duplicate version')]
      : dns1035Label(version).map((told) => invalidValue(`${path}[${i}]`, version, told)),
  );
  return versions.some((version) => REVIEW_VERSIONS.includes(version))
    ? errors
    : [
        ...errors,
        invalidValue(path, GoText.strings(versions), `must include at least one of ${REVIEW_VERSIONS.join(', ')}`),
      ];
}
