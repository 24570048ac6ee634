// Decides whether a CRD's schema is structural: a type everywhere, so that pruning, defaults and merging know what to do; and
// whether its defaults, patterns and rules hold together. Never looks at a custom resource.
import { celProblem } from '../cel/cel.ts';
import { compiledPattern } from '../cel/functions.ts';
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { hasRules, isTransition, validateRules } from './rules.ts';
import { isRecord, type CelRule, type JsonSchema } from './json-schema.ts';
import { validateSchema } from './validate.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const DEEPEST = 100;
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
/** Inside anyOf and its like only values may be judged. */
const NOT_IN_LOGIC = ['type', 'default', 'nullable', 'title', 'description', 'additionalProperties'];
const LOGIC = ['allOf', 'anyOf', 'oneOf'] as const;

type Place = 'root' | 'object fields' | 'array items' | 'map values';

interface Where {
  path: string;
  place: Place;
  /** Old and new elements of an atomic list cannot be told apart: transition rules make no sense below one. */
  isCorrelatable: boolean;
  depth: number;
}

export function validateStructural(schema: JsonSchema, path: string): FieldError[] {
  return node(schema, { path, place: 'root', isCorrelatable: true, depth: 0 });
}

function node(schema: JsonSchema, where: Where): FieldError[] {
  const { path } = where;
  if (where.depth > DEEPEST) return [forbidden(path, `must not be nested deeper than ${DEEPEST} levels`)];
  return [
    ...typeProblems(schema, where),
    ...shapeProblems(schema, where),
    ...patternProblems(schema, path),
    ...listProblems(schema, path),
    ...LOGIC.flatMap((name) =>
      (schema[name] ?? []).flatMap((one, i) => logicProblems(one, `${path}.${name}[${i}]`, schema)),
    ),
    ...(schema.not === undefined ? [] : logicProblems(schema.not, `${path}.not`, schema)),
    ...(schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) =>
      ruleProblems(rule, `${path}.x-kubernetes-validations[${i}]`, where),
    ),
    ...children(schema, where),
    ...defaultProblems(schema, where),
  ];
}

function typeProblems(schema: JsonSchema, { path, place }: Where): FieldError[] {
  const { type = '' } = schema;
  if (place === 'root') {
    if (type === '') return [required(`${path}.type`, 'must not be empty at the root')];
    return type === 'object' ? [] : [invalidValue(`${path}.type`, type, 'must be object at the root')];
  }
  if (schema['x-kubernetes-int-or-string'] === true)
    return type === '' ? [] : [forbidden(`${path}.type`, 'must be empty if x-kubernetes-int-or-string is true')];
  if (type === '')
    return schema['x-kubernetes-preserve-unknown-fields'] === true
      ? []
      : [required(`${path}.type`, `must not be empty for specified ${place}`)];
  return TYPES.includes(type) ? [] : [notSupported(`${path}.type`, type, TYPES)];
}

function shapeProblems(schema: JsonSchema, { path, place }: Where): FieldError[] {
  const errors: FieldError[] = [];
  const { type, properties, additionalProperties, items } = schema;
  if (properties !== undefined && additionalProperties !== undefined && additionalProperties !== false)
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (type === 'array' && items === undefined) errors.push(required(`${path}.items`, 'must be specified'));
  if (Array.isArray(items)) errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  if (schema.uniqueItems === true)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (schema['x-kubernetes-embedded-resource'] === true) {
    if (type !== 'object')
      errors.push(invalidValue(`${path}.type`, type ?? '', 'must be object if x-kubernetes-embedded-resource is true'));
    if (properties === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true)
      errors.push(
        required(
          `${path}.properties`,
          'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
        ),
      );
  }
  const metadata = place === 'root' ? properties?.['metadata'] : undefined;
  for (const name of Object.keys(metadata?.properties ?? {}))
    if (name !== 'name' && name !== 'generateName')
      errors.push(
        forbidden(
          `${path}.properties[metadata]`,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      );
  return errors;
}

function patternProblems({ pattern }: JsonSchema, path: string): FieldError[] {
  if (pattern === undefined || pattern === '') return [];
  try {
    compiledPattern(pattern);
    return [];
  } catch (error) {
    return [
      invalidValue(
        `${path}.pattern`,
        pattern,
        `must be a valid regular expression, but isn't: ${(error as Error).message}`,
      ),
    ];
  }
}

function listProblems(schema: JsonSchema, path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (type === undefined)
    return keys.length === 0 ? [] : [forbidden(at, 'must be empty unless x-kubernetes-list-type is map')];
  const errors: FieldError[] = [];
  if (!['atomic', 'map', 'set'].includes(type))
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, type, ['atomic', 'map', 'set']));
  if (schema.type !== 'array')
    errors.push(
      invalidValue(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'),
    );
  if (type !== 'map')
    return keys.length === 0
      ? errors
      : [...errors, forbidden(at, 'must be empty unless x-kubernetes-list-type is map')];
  if (keys.length === 0) return [...errors, required(at, 'must not be empty if x-kubernetes-list-type is map')];
  keys.forEach((key, i) => {
    const own = schema.items?.properties?.[key];
    if (own === undefined)
      errors.push(invalidValue(`${at}[${i}]`, key, 'entries must all be names of item properties'));
    else if (own.default === undefined && !(schema.items?.required ?? []).includes(key))
      errors.push(
        required(
          `${path}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
  });
  return errors;
}

function logicProblems(schema: JsonSchema, path: string, parent: JsonSchema): FieldError[] {
  // The two types that int-or-string is written with.
  const isUnion = parent['x-kubernetes-int-or-string'] === true;
  const errors = NOT_IN_LOGIC.filter((name) => schema[name] !== undefined && !(isUnion && name === 'type')).map(
    (name) => forbidden(`${path}.${name}`, 'must be empty to be structural'),
  );
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    const twin = parent.properties?.[name];
    if (twin === undefined)
      errors.push(
        required(
          path.replace(/\.(allOf|anyOf|oneOf|not)(\[\d+\])?$/, `.properties[${name}]`),
          `because it is defined in ${path}.properties[${name}]`,
        ),
      );
    errors.push(...logicProblems(own, `${path}.properties[${name}]`, twin ?? {}));
  }
  if (schema.items !== undefined) errors.push(...logicProblems(schema.items, `${path}.items`, parent.items ?? {}));
  return [
    ...errors,
    ...patternProblems(schema, path),
    ...LOGIC.flatMap((name) =>
      (schema[name] ?? []).flatMap((one, i) => logicProblems(one, `${path}.${name}[${i}]`, parent)),
    ),
  ];
}

function ruleProblems(rule: CelRule, path: string, where: Where): FieldError[] {
  const errors: FieldError[] = [];
  const text = rule.rule ?? '';
  if (text.trim() === '') return [required(`${path}.rule`, 'rule is not specified')];
  const problem = celProblem(text);
  if (problem !== undefined) errors.push(invalidValue(`${path}.rule`, text, `compilation failed: ${problem}`));
  else if (isTransition(rule) && !where.isCorrelatable)
    errors.push(
      invalidValue(
        `${path}.rule`,
        text,
        'oldSelf cannot be used on the uncorrelatable portion of the schema within an atomic or set list',
      ),
    );
  if (rule.message !== undefined && /[\n\r]/.test(rule.message))
    errors.push(invalidValue(`${path}.message`, rule.message, 'message must not contain line breaks'));
  if (rule.messageExpression !== undefined) {
    const wrong = celProblem(rule.messageExpression);
    if (wrong !== undefined)
      errors.push(invalidValue(`${path}.messageExpression`, rule.messageExpression, `compilation failed: ${wrong}`));
  }
  if (rule.reason !== undefined && !REASONS.includes(rule.reason))
    errors.push(notSupported(`${path}.reason`, rule.reason, REASONS));
  if (rule.optionalOldSelf !== undefined && !isTransition(rule))
    errors.push(
      invalidValue(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
    );
  return errors;
}

function children(schema: JsonSchema, where: Where): FieldError[] {
  const { path, isCorrelatable } = where;
  const depth = where.depth + 1;
  const errors: FieldError[] = [];
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    const isOwn = where.place === 'root' && ['apiVersion', 'kind', 'metadata'].includes(name);
    if (!isOwn)
      errors.push(...node(own, { path: `${path}.properties[${name}]`, place: 'object fields', isCorrelatable, depth }));
  }
  if (isRecord(schema.additionalProperties))
    errors.push(
      ...node(schema.additionalProperties, {
        path: `${path}.additionalProperties`,
        place: 'map values',
        isCorrelatable,
        depth,
      }),
    );
  if (isRecord(schema.items))
    errors.push(
      ...node(schema.items, {
        path: `${path}.items`,
        place: 'array items',
        isCorrelatable: isCorrelatable && schema['x-kubernetes-list-type'] === 'map',
        depth,
      }),
    );
  return errors;
}

function defaultProblems(schema: JsonSchema, { path, place }: Where): FieldError[] {
  if (schema.default === undefined) return [];
  if (place === 'root') return [forbidden(`${path}.default`, 'must be undefined at the root')];
  const wrong = validateSchema(schema, schema.default, `${path}.default`);
  if (wrong.length > 0 || !hasRules(schema)) return wrong;
  return validateRules(schema, schema.default, undefined, `${path}.default`);
}
