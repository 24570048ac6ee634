// Decides why the patch of a webhook cannot be applied, in the words of the real server, which are those of its libraries. Never
// applies one.
import { TypeMismatchError } from '../../../../lib/api/canonical.ts';
import { goJsonError } from '../../../../lib/api/json-error.ts';
import { JsonPatchError } from '../../../../lib/api/json-patch.ts';
import { ApiError, messageOf } from '../../../../lib/base/errors.ts';
import { PatchedMisfit } from '../pipeline/patch.ts';

/** `text` is the patch; undefined: it could not even be read. */
export function patchTrouble(error: unknown, text: string | undefined): string {
  if (error instanceof SyntaxError && text !== undefined) return goJsonError(text);
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.cause instanceof TypeMismatchError) return error.cause.message;
  const kind = /cannot unmarshal (\w+) into Go value of type jsonpatch\.Patch$/.exec(error.message)?.[1];
  if (kind !== undefined) return `json: cannot unmarshal ${kind} into Go value of type jsonpatch.Patch`;
  const { cause } = error;
  return cause instanceof JsonPatchError || cause instanceof PatchedMisfit ? cause.message : error.message;
}
