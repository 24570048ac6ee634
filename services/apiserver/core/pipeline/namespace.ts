// Decides whether a namespace may take a new object, and when a namespace itself is gone. Never deletes its content.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { keyOf } from '../storage-key.ts';
import { ALONE, forbiddenBy, type Companions, type WriteRequest } from './plan.ts';

export const NAMESPACES = 'core/namespaces';
const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

/** The namespace of the path is the object's; a body that says another is refused. */
export function place(request: WriteRequest, object: KubeObject): void {
  object.metadata ??= { name: '' };
  checkNamespace(request, object);
  if (request.kind.ref.namespaced) object.metadata.namespace = request.info.namespace;
}

export function checkNamespace({ info, kind }: WriteRequest, { metadata }: KubeObject): void {
  const named = metadata.namespace ?? '';
  if (kind.ref.namespaced && named !== '' && named !== info.namespace)
    throw new ApiError(
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    );
}

/**
 * The namespace must exist and live. Its revision goes into the transaction, so that no object slips into a namespace
 * that is deleted in the same moment.
 */
export function liveNamespace(request: WriteRequest, object: KubeObject): Companions {
  const name = object.metadata.namespace ?? '';
  if (!request.kind.ref.namespaced || name === '') return ALONE;
  const at = { stream: NAMESPACES, namespace: '', name };
  const namespace = request.view.get(at);
  if (namespace === undefined)
    throw new ApiError('NotFound', `namespaces ${JSON.stringify(name)} not found`, { name, kind: 'namespaces' });
  if (namespace.object.metadata.deletionTimestamp !== undefined || namespace.object['status']?.phase === 'Terminating')
    throw terminating(request, object, name);
  return { compares: [{ key: keyOf(at), revision: namespace.revision }], operations: [] };
}

function terminating(request: WriteRequest, object: KubeObject, namespace: string): ApiError {
  const named = object.metadata.name ?? '';
  return forbiddenBy(
    request.kind,
    named === '' ? (object.metadata.generateName ?? '') : named,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

export function refuseImmortal(request: WriteRequest, name: string): void {
  if (request.kind.ref.group === '' && request.kind.ref.resource === 'namespaces' && IMMORTAL.has(name))
    throw forbiddenBy(request.kind, name, 'this namespace may not be deleted');
}

export function isNamespace(object: KubeObject): boolean {
  return object.kind === 'Namespace' && object.apiVersion === 'v1';
}

/** A namespace also has spec.finalizers: while one is left, its content is not yet gone. */
export function holdsNamespace(object: KubeObject): boolean {
  return isNamespace(object) && (object['spec']?.finalizers ?? []).length > 0;
}
