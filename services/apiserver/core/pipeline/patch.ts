// Decides what a patch makes of an object, for the patch types that clients send. Never decides whether the result may
// stand: it goes through the same update as a whole object would.
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { TypeMismatchError } from '../../../../lib/api/canonical.ts';
import { decodeValue, expectedOf, StrictDecodingError, type FieldValidation } from '../../../../lib/api/decode.ts';
import type { TypeName } from '../../../../lib/api/custom/custom-type.ts';
import type { ManagedFieldsEntry } from '../../../../lib/api/generated/types.ts';
import { invalid, invalidValue } from '../../../../lib/api/field-error.ts';
import { applyJsonMerge } from '../../../../lib/api/json-merge.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { bare } from '../../../../lib/api/managed-fields/update.ts';
import { applyStrategicMerge } from '../../../../lib/api/strategic-merge.ts';
import { cloneJson } from '../../../../lib/base/clone.ts';
import { ApiError, messageOf } from '../../../../lib/base/errors.ts';
import { APPLY_TYPE } from './apply.ts';
import { goText, unstructuredMismatch } from './patch-words.ts';
import { keepReset } from './field-owners.ts';

export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const;
export type PatchType = (typeof PATCH_TYPES)[number];

export interface Patch {
  type: PatchType;
  value: unknown;
  duplicates: string[];
}

/** Most operations of one JSON patch, as upstream. */
const MOST_OPERATIONS = 10_000;

/** `isCustom`: of a custom resource, which has no strategic merge and which upstream serves by other words. */
export function patchType(contentType: string, isCustom = false): PatchType {
  const media = contentType.split(';')[0]!.trim().toLowerCase();
  if ((PATCH_TYPES as readonly string[]).includes(media)) return media as PatchType;
  throw isCustom ? noStrategicMerge() : new ApiError('UnsupportedMediaType', '415: Unsupported Media Type', {});
}

/** The whole object after the patch, decoded as its kind. `base` is not changed. */
export function patched(
  kind: Pick<Kind, 'ref' | 'typeName'>,
  base: KubeObject,
  patch: Patch,
  fieldValidation: FieldValidation,
): { object: KubeObject; warnings: string[] } {
  const value = applyPatch(kind.typeName, base, patch);
  try {
    const owners = ownersLeftAlone(base, value);
    const read = owners === undefined ? value : bare(value as KubeObject);
    const decoded = decodeValue({ value: read, duplicates: patch.duplicates }, expectedOf(kind), fieldValidation);
    if (owners === undefined) keepReset(value, decoded.object);
    else decoded.object.metadata.managedFields = owners;
    return decoded;
  } catch (error) {
    if (error instanceof ApiError && error.cause instanceof TypeMismatchError)
      throw blamed(patch, value, isStrategic(patch) ? unstructuredMismatch(error.cause.message) : error.cause.message);
    if (error instanceof ApiError && error.cause instanceof StrictDecodingError)
      throw blamed(patch, value, error.cause.message);
    throw error;
  }
}

/** Hardly a patch touches who owns which fields, and what is stored of that need not be looked through again. */
function ownersLeftAlone(base: KubeObject, made: unknown): ManagedFieldsEntry[] | undefined {
  const owners = base.metadata.managedFields;
  const left = (made as Partial<KubeObject> | null)?.metadata?.managedFields;
  return owners !== undefined && left === owners ? owners : undefined;
}

const isStrategic = ({ type }: Patch): boolean => type === 'application/strategic-merge-patch+json';

/** The object would be of no type any more, or have fields that nobody knows: upstream blames the patch, or what it made. */
function blamed(patch: Patch, made: unknown, told: string): ApiError {
  const value = isStrategic(patch) ? goText(patch.value) : JSON.stringify(made);
  return invalid({ group: '', kind: '' }, '', [invalidValue('patch', value, told)]);
}

export function applyPatch(typeName: TypeName, base: KubeObject, patch: Patch): unknown {
  if (patch.type === 'application/json-patch+json') return jsonPatch(base, patch.value);
  if (typeof patch.value !== 'object' || patch.value === null || Array.isArray(patch.value))
    throw notAnObjectPatch(patch);
  if (patch.type === 'application/merge-patch+json') return applyJsonMerge(base, patch.value);
  if (typeof typeName !== 'string') throw noStrategicMerge();
  return applyStrategicMerge(typeName, base, patch.value);
}

function notAnObjectPatch(patch: Patch): ApiError {
  if (patch.value === null) return new ApiError('BadRequest', 'Invalid JSON Patch');
  const told = `json: cannot unmarshal ${goKind(patch.value)} into Go value of type map[string]interface {}`;
  return new ApiError('BadRequest', isStrategic(patch) ? told : `error decoding patch: ${told}`);
}

const goKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

/** Custom resources have no merge keys: upstream's words. */
function noStrategicMerge(): ApiError {
  const accepted = [...PATCH_TYPES.filter((type) => !type.includes('strategic')), APPLY_TYPE].join(', ');
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

/** What copies may add to an object, together: each may double it. Upstream's bound. */
const MOST_COPIED = 3_145_728;

/** Throws the library's own error, or one that says what it does not look at. `base` is not changed. */
export function applyOperations(base: object, operations: readonly unknown[]): unknown {
  let document: unknown = cloneJson(base);
  let copied = 0;
  for (const [i, operation] of (operations as Operation[]).entries()) {
    if (
      operation?.op === 'move' &&
      `${operation.path}/`.startsWith(`${operation.from}/`) &&
      operation.path !== operation.from
    )
      throw new Error(`operation ${i}: a value cannot be moved into itself`);
    if (operation?.op === 'copy') {
      copied += JSON.stringify(fastJsonPatch.getValueByPointer(document, operation.from) ?? null).length;
      if (copied > MOST_COPIED) throw new Error(`operation ${i}: copies add more than ${MOST_COPIED} bytes`);
    }
    document = fastJsonPatch.applyOperation(document, operation, true, true, true, i).newDocument;
  }
  return document;
}

const badOperations = (value: unknown, type: string): ApiError =>
  new ApiError(
    'BadRequest',
    `error decoding patch: json: cannot unmarshal ${goKind(value)} into Go value of type ${type}`,
  );

function jsonPatch(base: KubeObject, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badOperations(operations, '[]handlers.jsonPatchOp');
  const odd = operations.find((operation) => typeof operation !== 'object' || Array.isArray(operation));
  if (odd !== undefined) throw badOperations(odd, 'handlers.jsonPatchOp');
  if (operations.length > MOST_OPERATIONS)
    throw new ApiError(
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${operations.length}`,
    );
  try {
    return applyOperations(base, operations);
  } catch (error) {
    // Upstream's whole answer. What was wrong stays in the cause, for our own log.
    throw new ApiError(
      'Invalid',
      'the server rejected our request due to an error in our request',
      {},
      {
        cause: new Error(messageOf(error)),
      },
    );
  }
}
