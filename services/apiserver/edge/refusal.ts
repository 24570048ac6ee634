// Decides how anything thrown becomes an answer: refusals are told as they are, anything else is our own fault and logged.
// Never sends one.
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { ApiParts } from './parts.ts';

export function asRefusal(parts: Pick<ApiParts, 'ctx'>, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const stack = error instanceof Error ? error.stack : undefined;
  parts.ctx.log.error({ error: messageOf(error), stack }, 'a request failed');
  return new ApiError('InternalError', `Internal error occurred: ${messageOf(error)}`);
}
