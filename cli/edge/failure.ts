// Does: turns anything thrown into the line that kubectl would print, and the exit code. Never hides a cause.
import { ApiError, messageOf } from '../../lib/base/errors.ts';
import { ConnectionError } from '../../lib/client/https-transport.ts';

/** A command that has said everything already and only ends with a code. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

export function failureText(error: unknown): string {
  if (error instanceof ApiError) return apiFailure(error);
  if (error instanceof ConnectionError) return error.message;
  return `error: ${messageOf(error)}`;
}

function apiFailure(error: ApiError): string {
  if (error.reason === 'Unauthorized') return 'error: You must be logged in to the server (Unauthorized)';
  const reason = error.reason === '' ? '' : ` (${error.reason})`;
  return `Error from server${reason}: ${error.message}`;
}
