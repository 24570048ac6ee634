// Decides why the patch of a webhook cannot be applied, in the words of the real server, which are those of its libraries. Never
// applies one.
import { TypeMismatchError } from '../../../../lib/api/canonical.ts';
import { goJsonError } from '../../../../lib/api/json-error.ts';
import { JsonPatchError } from '../../../../lib/api/json-patch.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { apiVersionOf } from '../../../../lib/api/resource.ts';
import { ApiError, messageOf } from '../../../../lib/base/errors.ts';
import { PatchedMisfit } from '../pipeline/patch.ts';

/** Whether there is anything in it that would have to be understood: what is no list is told of when it is applied. */
export function hasOperations(base64: string): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(base64)));
    return Array.isArray(value) && value.length > 0;
  } catch {
    return false;
  }
}

/** What a patch made is of the kind that was patched, where it does not say. Custom resources must say. */
export function namedAs({ ref, typeName }: Pick<Kind, 'ref' | 'typeName'>): (made: unknown) => unknown {
  return (made) => {
    if (typeof typeName !== 'string' || typeof made !== 'object' || Array.isArray(made)) return made;
    const { apiVersion, kind } = (made ?? {}) as { apiVersion?: unknown; kind?: unknown };
    return { ...made, apiVersion: apiVersion || apiVersionOf(ref), kind: kind || ref.kind };
  };
}

/** A time of creation that is not there yet is a null that a patch can remove: so Go writes it. */
export function withTime({ typeName }: Pick<Kind, 'typeName'>, object: KubeObject): KubeObject {
  if (typeof typeName !== 'string' || object.metadata.creationTimestamp !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, creationTimestamp: null as unknown as string } };
}

/** `text` is the patch; undefined: it could not even be read. */
export function patchTrouble(error: unknown, text: string | undefined): string {
  if (error instanceof SyntaxError && text !== undefined) return goJsonError(text);
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.cause instanceof TypeMismatchError) return error.cause.message;
  const kind = /cannot unmarshal (\w+) into Go value of type jsonpatch\.Patch$/.exec(error.message)?.[1];
  if (kind !== undefined) return `json: cannot unmarshal ${kind} into Go value of type jsonpatch.Patch`;
  const { cause } = error;
  return cause instanceof SyntaxError || cause instanceof JsonPatchError || cause instanceof PatchedMisfit
    ? cause.message
    : error.message;
}
