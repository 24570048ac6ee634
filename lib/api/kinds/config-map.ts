// Decides what a ConfigMap is: its keys, its size, and that an immutable one stays. Never looks at what it holds.
import { ownValue } from '../../base/records.ts';
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, tooLong, type FieldError } from '../field-error.ts';
import { configKey, longerThan } from '../formats.ts';
import type { ConfigMap } from '../generated/types.ts';
import { defineKind } from '../object.ts';

export const DATA_BYTES = 1_048_576;

/** Bytes of a base64 text. */
export const decodedBytes = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

export function validateKeys(data: Record<string, unknown> | undefined, path: string): FieldError[] {
  return Object.keys(data ?? {}).flatMap((key) =>
    configKey(key).map((told) => invalidValue(`${path}[${key}]`, key, told)),
  );
}

/** Once immutable: the mark and the data stay. */
export function validateImmutable(
  object: Record<string, any>,
  old: Record<string, any>,
  fields: readonly string[],
): FieldError[] {
  if (old['immutable'] !== true) return [];
  const told = 'field is immutable when `immutable` is set';
  const errors = object['immutable'] === true ? [] : [forbidden('immutable', told)];
  for (const field of fields) if (!equalObjects(object[field], old[field])) errors.push(forbidden(field, told));
  return errors;
}

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  validate(object) {
    const errors = [...validateKeys(object.data, 'data'), ...validateKeys(object.binaryData, 'binaryData')];
    for (const key of Object.keys(object.data ?? {}))
      if (ownValue(object.binaryData, key) !== undefined)
        errors.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    let room = DATA_BYTES;
    for (const value of Object.values(object.binaryData ?? {})) room -= decodedBytes(value);
    if (room < 0 || longerThan(Object.values(object.data ?? {}), room)) errors.push(tooLong('[]', DATA_BYTES));
    return errors;
  },
  validateUpdate: (object, old) => validateImmutable(object, old, ['data', 'binaryData']),
  cells: (object, now) => [
    object.metadata.name,
    Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
