// Decides what a patch makes of an object, for the patch types that clients send. Never decides whether the result may
// stand: it goes through the same update as a whole object would.
import { TypeMismatchError } from '../../../../lib/api/canonical.ts';
import { decodeValue, expectedOf, type FieldValidation } from '../../../../lib/api/decode.ts';
import type { TypeName } from '../../../../lib/api/custom/custom-type.ts';
import type { ManagedFieldsEntry } from '../../../../lib/api/generated/types.ts';
import { invalid, invalidValue } from '../../../../lib/api/field-error.ts';
import { goText } from '../../../../lib/api/go-text.ts';
import { jsonKind } from '../../../../lib/api/json-error.ts';
import { applyJsonMerge } from '../../../../lib/api/json-merge.ts';
import { applyJsonPatch, JsonPatchError } from '../../../../lib/api/json-patch.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { bare } from '../../../../lib/api/managed-fields/update.ts';
import { applyStrategicMerge } from '../../../../lib/api/strategic-merge.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { APPLY_TYPE } from './apply.ts';
import { checkPatchedType } from './patch-type.ts';
import { afterMerge, madeText, unstructuredMismatch } from './patch-words.ts';
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

/** The whole object after the patch, decoded as its kind. `base` is not changed. `named`: of what kind it is where it does not say. */
export function patched(
  kind: Pick<Kind, 'ref' | 'typeName'>,
  base: KubeObject,
  patch: Patch,
  fieldValidation: FieldValidation,
  named: (made: unknown) => unknown = (made) => made,
): { object: KubeObject; warnings: string[] } {
  const made = named(applyPatch(kind.typeName, base, patch, fieldValidation));
  // The type of what is patched strategically is known before: what the patch says of it is not read.
  const { apiVersion, kind: ofKind } = expectedOf(kind);
  const value = isStrategic(patch) ? { ...(made as object), apiVersion, kind: ofKind } : made;
  const refuse = (told: string): ApiError => blamed(kind.typeName, base, patch, made, told);
  if (!isStrategic(patch)) checkPatchedType(kind, base.metadata.name, value, refuse);
  const { object, warnings } = decodedPatch(kind, base, value, refuse, isStrategic(patch));
  const problems = fieldValidation === 'Ignore' ? [] : [...problemsOf(patch), ...warnings];
  if (problems.length > 0 && fieldValidation === 'Strict')
    throw refuse(`strict decoding error: ${problems.join(', ')}`);
  return { object, warnings: problems };
}

/** Unknown fields are warned of, whoever wants to hear it. */
function decodedPatch(
  kind: Pick<Kind, 'ref' | 'typeName'>,
  base: KubeObject,
  value: unknown,
  refuse: (told: string) => ApiError,
  strategic: boolean,
): { object: KubeObject; warnings: string[] } {
  const owners = ownersLeftAlone(base, value);
  const read = owners === undefined ? value : bare(value as KubeObject);
  try {
    const decoded = decodeValue({ value: read, duplicates: [] }, expectedOf(kind), 'Warn');
    // A custom resource's empty list of owners is one that is not there.
    if (owners !== undefined) decoded.object.metadata.managedFields = owners;
    else if (typeof kind.typeName === 'string') keepReset(value, decoded.object);
    return decoded;
  } catch (error) {
    if (!(error instanceof ApiError && error.cause instanceof TypeMismatchError)) throw error;
    throw refuse(strategic ? unstructuredMismatch(error.cause.message) : error.cause.message);
  }
}

const OPERATION_FIELDS = new Set(['op', 'path', 'from', 'value']);

/** What is wrong with the patch alone, though it can be read. */
function problemsOf({ type, value, duplicates }: Patch): string[] {
  const isJsonPatch = type === 'application/json-patch+json';
  const told = duplicates.map((path) => `${isJsonPatch ? 'json patch ' : ''}duplicate field ${JSON.stringify(path)}`);
  if (!isJsonPatch || !Array.isArray(value)) return told;
  const unknown = value.flatMap((operation: object | null, i) =>
    Object.keys(operation ?? {})
      .filter((name) => !OPERATION_FIELDS.has(name))
      .map((name) => `json patch unknown field ${JSON.stringify(`[${i}].${name}`)}`),
  );
  return [...unknown, ...told];
}

/** Hardly a patch touches who owns which fields, and what is stored of that need not be looked through again. */
function ownersLeftAlone(base: KubeObject, made: unknown): ManagedFieldsEntry[] | undefined {
  const owners = base.metadata.managedFields;
  const left = (made as Partial<KubeObject> | null)?.metadata?.managedFields;
  return owners !== undefined && left === owners ? owners : undefined;
}

const isStrategic = ({ type }: Patch): boolean => type === 'application/strategic-merge-patch+json';

/** The object would be of no type any more, or have fields that nobody knows: upstream blames the patch, or what it made. */
function blamed(typeName: TypeName, base: KubeObject, patch: Patch, made: unknown, told: string): ApiError {
  const value = isStrategic(patch) ? goText(afterMerge(patch.value, base)) : madeText(typeName, base, made);
  const { reason, message, details } = invalid({ group: '', kind: '' }, '', [invalidValue('patch', value, told)]);
  return new ApiError(reason, message, details, { cause: new PatchedMisfit(told) });
}

/** What is wrong with what a patch made, without the patch: so webhooks are told of it. */
export class PatchedMisfit extends Error {}

export function applyPatch(
  typeName: TypeName,
  base: KubeObject,
  patch: Patch,
  fieldValidation: FieldValidation,
): unknown {
  const { type, value } = patch;
  if (type === 'application/json-patch+json') return jsonPatch(base, value, fieldValidation !== 'Ignore');
  if (typeof value !== 'object' || Array.isArray(value)) throw notAnObjectPatch(patch);
  if (type === 'application/merge-patch+json') {
    if (value === null) throw new ApiError('BadRequest', 'Invalid JSON Patch');
    return applyJsonMerge(base, value);
  }
  if (typeof typeName !== 'string') throw noStrategicMerge();
  return applyStrategicMerge(typeName, base, value ?? {});
}

function notAnObjectPatch(patch: Patch): ApiError {
  const told = `json: cannot unmarshal ${jsonKind(patch.value)} into Go value of type map[string]interface {}`;
  return new ApiError('BadRequest', isStrategic(patch) ? told : `error decoding patch: ${told}`);
}

/** Custom resources have no merge keys: upstream's words. */
function noStrategicMerge(): ApiError {
  const accepted = [...PATCH_TYPES.filter((type) => !type.includes('strategic')), APPLY_TYPE].join(', ');
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

const misread = (isStrict: boolean, value: unknown, strictType: string, type: string): ApiError => {
  const told = (into: string): string => `json: cannot unmarshal ${jsonKind(value)} into Go ${into}`;
  return new ApiError('BadRequest', isStrict ? `error decoding patch: ${told(strictType)}` : told(type));
};

/** Who wants to hear of wrong fields has the operations read twice, at first by what an operation has to be. */
function checkOperations(operations: unknown, isStrict: boolean): asserts operations is unknown[] {
  if (!Array.isArray(operations))
    throw misread(isStrict, operations, 'value of type []handlers.jsonPatchOp', 'value of type jsonpatch.Patch');
  for (const operation of operations as unknown[]) {
    if (typeof operation !== 'object' || Array.isArray(operation))
      throw misread(isStrict, operation, 'value of type handlers.jsonPatchOp', 'value of type jsonpatch.Operation');
    if (!isStrict) continue;
    for (const [name, value] of Object.entries(operation ?? {}))
      if (name !== 'value' && OPERATION_FIELDS.has(name) && value !== null && typeof value !== 'string')
        throw misread(isStrict, value, `struct field jsonPatchOp.${name} of type string`, '');
  }
  if (operations.length > MOST_OPERATIONS)
    throw new ApiError(
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${operations.length}`,
    );
}

function jsonPatch(base: KubeObject, operations: unknown, isStrict: boolean): unknown {
  if (operations === null) return base;
  checkOperations(operations, isStrict);
  try {
    return applyJsonPatch(base, operations);
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    // Upstream's whole answer. What was wrong stays in the cause, for our own log and for webhooks.
    const told = 'the server rejected our request due to an error in our request';
    throw new ApiError('Invalid', told, {}, { cause: error });
  }
}
