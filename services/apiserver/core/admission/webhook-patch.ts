// Decides why the patch of a webhook cannot be applied, in the words of the real server, which are those of its libraries. Never
// applies one.
import { TypeMismatchError } from '../../../../lib/api/canonical.ts';
import { goJsonError } from '../../../../lib/api/json-error.ts';
import { ApiError, messageOf } from '../../../../lib/base/errors.ts';

interface FailedOperation {
  name?: string;
  operation?: { op?: string; path?: string };
}

/** `text` is the patch; undefined: it could not even be read. */
export function patchTrouble(error: unknown, text: string | undefined): string {
  if (error instanceof SyntaxError && text !== undefined) return goJsonError(text);
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.cause instanceof TypeMismatchError) return error.cause.message;
  const kind = /cannot unmarshal (\w+) into Go value of type \[\]handlers\.jsonPatchOp$/.exec(error.message)?.[1];
  if (kind !== undefined) return `json: cannot unmarshal ${kind} into Go value of type jsonpatch.Patch`;
  return operationTrouble(error.cause as FailedOperation | undefined) ?? error.message;
}

function operationTrouble(failed: FailedOperation | undefined): string | undefined {
  const { op, path } = failed?.operation ?? {};
  if (op === undefined || path === undefined) return undefined;
  if (op === 'test') return `testing value ${path} failed: test failed`;
  return `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`;
}
