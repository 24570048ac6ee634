// Decides what a Secret is: its type's keys, stringData folded into data. Never encrypts and never prints a value.
import { ageOf } from '../age.ts';
import { invalidValue, required, tooLong, type FieldError } from '../field-error.ts';
import type { Secret } from '../generated/types.ts';
import { goJsonError } from '../json-error.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { DATA_BYTES, decodedBytes, validateImmutable, validateKeys } from './config-map.ts';

const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';

/** What is wrong with a text that should be JSON. */
function jsonProblem(base64: string): string | undefined {
  const text = new TextDecoder().decode(Uint8Array.fromBase64(base64));
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return goJsonError(text);
  }
}

function validateDockerConfig(object: Secret, key: string): FieldError[] {
  const value = object.data?.[key];
  if (value === undefined) return [required(`data[${key}]`)];
  const problem = jsonProblem(value);
  return problem === undefined ? [] : [invalidValue(`data[${key}]`, '<secret contents redacted>', problem)];
}

const missing = (object: Secret, ...keys: string[]): FieldError[] =>
  keys.filter((key) => object.data?.[key] === undefined).map((key) => required(`data[${key}]`));

/** What each type must hold. */
function validateType(object: Secret): FieldError[] {
  switch (object.type) {
    case 'kubernetes.io/service-account-token':
      return object.metadata.annotations?.[SERVICE_ACCOUNT_NAME]
        ? []
        : [required(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`)];
    case 'kubernetes.io/dockercfg':
      return validateDockerConfig(object, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return validateDockerConfig(object, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth': {
      const errors = missing(object, 'username', 'password');
      return errors.length === 2 ? errors : [];
    }
    case 'kubernetes.io/ssh-auth':
      return missing(object, 'ssh-privatekey');
    case 'kubernetes.io/tls':
      return missing(object, 'tls.crt', 'tls.key');
    case undefined:
    default:
      return [];
  }
}

export const secret = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  default(object) {
    fill(object, 'type', 'Opaque');
    if (object.stringData === undefined) return;
    const encoder = new TextEncoder();
    object.data ??= {};
    for (const [key, value] of Object.entries(object.stringData)) object.data[key] = encoder.encode(value).toBase64();
    delete object.stringData;
  },
  validate(object) {
    const errors = validateKeys(object.data, 'data');
    const bytes = Object.values(object.data ?? {}).reduce((sum, value) => sum + decodedBytes(value), 0);
    if (bytes > DATA_BYTES) errors.push(tooLong('data', DATA_BYTES));
    return [...errors, ...validateType(object)];
  },
  validateUpdate: (object, old) => [
    ...(object.type === old.type ? [] : [invalidValue('type', object.type, 'field is immutable')]),
    ...validateImmutable(object, old, ['data']),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.type ?? '',
    Object.keys(object.data ?? {}).length,
    ageOf(object.metadata.creationTimestamp, now),
  ],
  fields: { type: (object) => object.type ?? '' },
});
