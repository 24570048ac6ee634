// Decides whether the defaults in a CRD's schema are values that the schema itself would take. Never fills one in.
import { isRecord } from '../../base/records.ts';
import { equalJson } from '../equality.ts';
import { GoText, invalidValue, type FieldError } from '../field-error.ts';
import { goValue } from './go-value.ts';
import { validateEmbedded } from './embedded.ts';
import { OWN_FIELDS, type JsonSchema } from './json-schema.ts';
import { prune } from './prune.ts';
import { hasRules, newBudget, validateRules } from './rules.ts';
import { validateSchema } from './validate.ts';

export function validateDefaults(schema: JsonSchema, path: string, isRoot = true): FieldError[] {
  const errors = schema.default === undefined || schema.default === null ? [] : own(schema, `${path}.default`);
  if (isRecord(schema.items)) errors.push(...validateDefaults(schema.items, `${path}.items`, false));
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    // Those of metadata may not be there at all, which is told elsewhere.
    if (!(isResource && OWN_FIELDS.includes(name)))
      errors.push(...validateDefaults(child, `${path}.properties[${name}]`, false));
  return errors;
}

function own(schema: JsonSchema, path: string): FieldError[] {
  const value = schema.default;
  const errors: FieldError[] = [];
  if (!equalJson(prune(schema, value, []), value))
    errors.push(invalidValue(path, new GoText(goValue(value)), 'must not have unknown fields'));
  const embedded = validateEmbedded(schema, value).map((error) => within(path, error));
  if (embedded.length > 0) return [...errors, ...embedded];
  const wrong = validateSchema(schema, value, '').map((error) => within(path, error));
  if (wrong.length > 0 || !hasRules(schema)) return [...errors, ...wrong];
  // As a change of itself first, then as something new.
  const changed = validateRules(schema, value, value, '', newBudget(true));
  const broken = changed.length > 0 ? changed : validateRules(schema, value, undefined);
  return [...errors, ...broken.map((error) => within(path, error))];
}

function within(path: string, error: FieldError): FieldError {
  const below = error.path === '<nil>' ? '' : error.path;
  const joined = below === '' || below.startsWith('[') || below.startsWith('.') ? below : `.${below}`;
  return { ...error, path: path + joined };
}
