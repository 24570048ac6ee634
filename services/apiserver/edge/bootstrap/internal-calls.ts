// Does: makes the API actor's own requests, through the same pipeline as everyone's. Never skips admission or validation.
import { isReason } from '../../../../lib/base/errors.ts';
import { MASTERS, authenticated } from '../../core/auth/user.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { CachedObject } from '../../core/cache/cached-object.ts';
import { deleteItem } from '../writes.ts';
import { handle } from '../api.ts';
import { valueBody, type Answer, type Call } from '../call.ts';
import type { ApiParts } from '../parts.ts';

const SELF = authenticated('system:apiserver', [MASTERS]);

async function call(
  parts: ApiParts,
  method: string,
  path: string,
  body?: unknown,
  contentType = 'application/json',
  query: Record<string, string> = {},
): Promise<Answer> {
  return handle(parts, callOf(method, path, body, contentType, query));
}

const callOf = (
  method: string,
  path: string,
  body?: unknown,
  contentType = 'application/json',
  query: Record<string, string> = {},
): Call => ({
  user: SELF,
  method,
  path,
  query: new URLSearchParams(query),
  // Fields that it writes are its own by upstream's name.
  userAgent: 'kube-apiserver',
  accept: 'application/json',
  body: valueBody(body, contentType),
  cause: undefined,
  warnings: new Set(),
});

/** Deletes an object whose kind may not be served any more. */
export async function deleteInternally(parts: ApiParts, kind: Kind, stream: string, item: CachedObject): Promise<void> {
  const { group, version, resource } = kind.ref;
  const { namespace, name } = item;
  const place = { group, version, resource, subresource: '', rest: '', namespace, name };
  const target = { info: { isResource: true as const, verb: 'delete' as const, ...place }, kind, stream };
  await deleteItem(parts, callOf('DELETE', ''), target, item, {}, false);
}

const managedBy = (manager: string | undefined): Record<string, string> =>
  manager === undefined ? {} : { fieldManager: manager };

/** Creates it unless it is there. */
export async function ensure(parts: ApiParts, collection: string, object: object, manager?: string): Promise<void> {
  try {
    await call(parts, 'POST', collection, object, 'application/json', managedBy(manager));
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}

/** Whole; throws a Conflict where another changed it meanwhile. */
export async function replace(parts: ApiParts, path: string, object: object): Promise<void> {
  await call(parts, 'PUT', path, object);
}

export async function mergePatch(parts: ApiParts, path: string, patch: object, manager?: string): Promise<void> {
  await call(parts, 'PATCH', path, patch, 'application/merge-patch+json', managedBy(manager));
}

/** Server-side apply; what another manager has of it becomes this one's. */
export async function apply(parts: ApiParts, path: string, object: object, manager: string): Promise<void> {
  await call(parts, 'PATCH', path, object, 'application/apply-patch+yaml', { fieldManager: manager, force: 'true' });
}

export async function remove(parts: ApiParts, path: string, resourceVersion: string): Promise<void> {
  try {
    await call(parts, 'DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion } });
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
}
