// Decides what an expression has made: objects and patches of a mutating policy, and any other value, as JSON. Never evaluates
// one.
import { Optional } from '@marcbachmann/cel-js';
import { CelError } from './cel-error.ts';

/** `Object.spec{replicas: 1}` in an expression; fields whose name begins with ? are there when their value is. */
export class CelObject {
  readonly typeName: string;
  readonly fields: Record<string, unknown>;

  constructor(typeName: string, fields: Record<string, unknown>) {
    this.typeName = typeName;
    this.fields = {};
    for (const [name, value] of Object.entries(fields)) {
      if (!name.startsWith('?')) this.fields[name] = value;
      else if (value instanceof Optional && value.hasValue()) this.fields[name.slice(1)] = value.value();
    }
  }
}

/** A field is made of the type of its path: `Object.spec` belongs in `spec` and nowhere else. Throws CelError. */
export function jsonOf(value: unknown, path?: string): unknown {
  if (value instanceof CelObject) return fieldsOf(value, path);
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Optional) return value.hasValue() ? jsonOf(value.value(), path) : null;
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => jsonOf(item, path));
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), jsonOf(item, path)]));
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)
    throw new CelError(`a value of type ${value.constructor.name} cannot be part of an object`);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item, path)]));
}

function fieldsOf({ typeName, fields }: CelObject, path: string | undefined): Record<string, unknown> {
  if (path !== undefined && typeName !== path)
    throw new CelError(
      `type mismatch: unexpected type name ${JSON.stringify(typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
    );
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields))
    if (name !== '__proto__') out[name] = jsonOf(value, path === undefined ? undefined : `${path}.${name}`);
  return out;
}
