// Decides in which words a patch is refused that would leave an object of no type: those of Go's converter of unstructured
// values, and what was made of the object as Go prints it. Never decides whether it is.
import type { TypeName } from '../../../../lib/api/custom/custom-type.ts';
import { withSortedKeys } from '../../../../lib/api/managed-fields/last-applied.ts';
import { typeSchema } from '../../../../lib/api/schema.ts';
import { isRecord } from '../../../../lib/base/records.ts';

/**
 * What a patch made, as text: the parts that it went through have their keys in order, the others theirs of the type, and what it
 * put in is as it was sent. Patches share what they leave alone with `base`.
 */
export function madeText(typeName: TypeName, base: object, made: unknown): string {
  return JSON.stringify(typeof typeName === 'string' ? inGoOrder(typeName, base, made) : withSortedKeys(made));
}

function inGoOrder(typeName: string | undefined, base: unknown, made: unknown): unknown {
  if (Array.isArray(made))
    return made.map((item: unknown, i) => inGoOrder(typeName, Array.isArray(base) ? base[i] : undefined, item));
  if (!isRecord(made) || !isRecord(base)) return made;
  const fields = (typeName === undefined ? undefined : typeSchema(typeName))?.fields;
  const known = made === base && fields !== undefined ? [...fields.keys()].filter((name) => name in made) : [];
  const names = [
    ...known,
    ...Object.keys(made)
      .filter((name) => !known.includes(name))
      .toSorted(),
  ];
  return Object.fromEntries(names.map((name) => [name, inGoOrder(fields?.get(name)?.type, base[name], made[name])]));
}

/** A strategic patch once it was merged: a null in what it adds was taken out of it, as it says nothing. */
export function afterMerge(patch: unknown, base: unknown): unknown {
  if (Array.isArray(patch)) return isRecord(base) ? patch : patch.map((item) => afterMerge(item, undefined));
  if (!isRecord(patch)) return patch;
  const kept = Object.entries(patch).filter(([, value]) => value !== null || isRecord(base));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, afterMerge(value, isRecord(base) ? base[name] : undefined)]),
  );
}

const GO_KINDS: Record<string, string> = { number: 'int64', object: 'map', array: 'slice' };

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32` → `unrecognized type: int32`. */
export function unstructuredMismatch(message: string): string {
  const [, told = '', type = ''] = /^json: cannot unmarshal (\w+).* of type (\S+)$/.exec(message) ?? [];
  if (type === '') return message;
  const given = GO_KINDS[told] ?? told;
  if (type.startsWith('[]')) return `cannot restore slice from ${given}`;
  if (type.startsWith('map[')) return `cannot restore map from ${given}`;
  if (type.includes('.')) return `cannot restore struct from: ${given}`;
  return told === 'number' && type === 'string' ? 'cannot convert int64 to string' : `unrecognized type: ${type}`;
}
