// Decides whether each part of what a client applies is of the kind its type wants (a text, a number, a list, a map) and known to
// it, in the words of structured-merge-diff. Never judges a value.
import { isRecord, ownValue } from '../../base/records.ts';
import type { TypeName } from '../custom/custom-type.ts';
import { goValue } from '../custom/go-value.ts';
import { OWN_FIELDS, type JsonSchema } from '../custom/json-schema.ts';
import { typeSchema } from '../schema.ts';

/** What a part has to be; `any`: whatever it is. */
type Shape =
  | { kind: 'any' | 'string' | 'numeric' | 'boolean' }
  | { kind: 'list'; element: Shape }
  | { kind: 'map'; of(name: string): Shape | undefined };

const ANY: Shape = { kind: 'any' };
const SCALARS: Readonly<Record<string, Shape>> = {
  string: { kind: 'string' },
  bytes: { kind: 'string' },
  time: { kind: 'string' },
  microTime: { kind: 'string' },
  bool: { kind: 'boolean' },
  int32: { kind: 'numeric' },
  int64: { kind: 'numeric' },
  double: { kind: 'numeric' },
};
const JSON_SCALARS: Readonly<Record<string, Shape>> = {
  string: { kind: 'string' },
  integer: { kind: 'numeric' },
  number: { kind: 'numeric' },
  boolean: { kind: 'boolean' },
};

/** Undefined: it fits. */
export function typedProblem(typeName: TypeName, value: unknown): string | undefined {
  const shape = typeof typeName === 'string' ? ofType(typeName) : ofResource(typeName.schema);
  const found: string[] = [];
  check(shape, value, '', found);
  if (found.length === 0) return undefined;
  return found.length === 1 ? found[0] : ['errors:', ...found.map((one) => `  ${one}`)].join('\n');
}

function ofType(name: string): Shape {
  const schema = typeSchema(name);
  if (schema === undefined) return SCALARS[name] ?? ANY;
  if (schema.jsonForm !== undefined) return ANY;
  return {
    kind: 'map',
    of(field) {
      const own = schema.fields.get(field);
      if (own === undefined)
        return schema.isRoot && (field === 'apiVersion' || field === 'kind') ? { kind: 'string' } : undefined;
      const one = ofType(own.type);
      if (own.shape === 'one') return one;
      return own.shape === 'list' ? { kind: 'list', element: one } : { kind: 'map', of: () => one };
    },
  };
}

function ofResource(schema: JsonSchema): Shape {
  const metadata = ofType('meta.v1.ObjectMeta');
  const own = ofSchema(schema);
  return {
    kind: 'map',
    of: (name) =>
      name === 'metadata'
        ? metadata
        : OWN_FIELDS.includes(name)
          ? { kind: 'string' }
          : own.kind === 'map'
            ? own.of(name)
            : ANY,
  };
}

function ofSchema(schema: JsonSchema): Shape {
  const keepsAll = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  if (schema['x-kubernetes-int-or-string'] === true) return ANY;
  if (schema.type === 'array') return { kind: 'list', element: isRecord(schema.items) ? ofSchema(schema.items) : ANY };
  if (schema.type !== 'object') return JSON_SCALARS[schema.type ?? ''] ?? ANY;
  const { properties, additionalProperties: more } = schema;
  const isResource = schema['x-kubernetes-embedded-resource'] === true;
  return {
    kind: 'map',
    of(name) {
      const known = ownValue(properties, name);
      if (known !== undefined) return ofSchema(known);
      if (isRecord(more)) return ofSchema(more as JsonSchema);
      return keepsAll || properties === undefined || (isResource && OWN_FIELDS.includes(name)) ? ANY : undefined;
    },
  };
}

function check(shape: Shape, value: unknown, path: string, found: string[]): void {
  if (value === null || value === undefined || shape.kind === 'any') return;
  const wrong = wrongKind(shape, value);
  if (wrong !== undefined) found.push(`${path}: ${wrong}`);
  else if (shape.kind === 'list' && Array.isArray(value))
    value.forEach((item, i) => check(shape.element, item, `${path}[${i}]`, found));
  else if (shape.kind === 'map' && isRecord(value))
    for (const name of Object.keys(value)) {
      const own = shape.of(name);
      if (own === undefined) found.push(`${path}.${name}: field not declared in schema`);
      else check(own, value[name], `${path}.${name}`, found);
    }
}

function wrongKind({ kind }: Shape, value: unknown): string | undefined {
  switch (kind) {
    case 'string':
    case 'boolean':
      return typeof value === kind
        ? undefined
        : `expected ${kind}, got &value.valueUnstructured{Value:${goValue(value)}}`;
    case 'numeric':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case 'list':
      return Array.isArray(value) ? undefined : `expected list, got &{${plain(value)}}`;
    case 'map':
      return isRecord(value) ? undefined : `expected map, got &{${plain(value)}}`;
    default:
      return undefined;
  }
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'map[string]interface {}';
}

/** As Go's %v. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(plain).join(' ')}]`;
  if (!isRecord(value)) return String(value as string);
  const fields = Object.keys(value)
    .toSorted()
    .map((name) => `${name}:${plain(value[name])}`);
  return `map[${fields.join(' ')}]`;
}
