// Does: makes the API actor's own requests, through the same pipeline as everyone's. Never skips admission or validation.
import { isReason } from '../../../../lib/base/errors.ts';
import { MASTERS, authenticated } from '../../core/auth/user.ts';
import { handle } from '../api.ts';
import { valueBody, type Answer } from '../call.ts';
import type { ApiParts } from '../parts.ts';

const SELF = authenticated('system:apiserver', [MASTERS]);

async function call(
  parts: ApiParts,
  method: string,
  path: string,
  body?: unknown,
  contentType = 'application/json',
): Promise<Answer> {
  return handle(parts, {
    user: SELF,
    method,
    path,
    query: new URLSearchParams(),
    accept: 'application/json',
    body: valueBody(body, contentType),
    cause: undefined,
    warnings: new Set(),
  });
}

/** Creates it unless it is there. */
export async function ensure(parts: ApiParts, collection: string, object: object): Promise<void> {
  try {
    await call(parts, 'POST', collection, object);
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}

export async function mergePatch(parts: ApiParts, path: string, patch: object): Promise<void> {
  await call(parts, 'PATCH', path, patch, 'application/merge-patch+json');
}

export async function remove(parts: ApiParts, path: string, resourceVersion: string): Promise<void> {
  try {
    await call(parts, 'DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion } });
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
}
