// Decides whether a custom resource may still be made: its definition must be there and not be going. Never serves one.
import { ApiError } from '../../../../lib/base/errors.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, isCustom } from '../served-kinds.ts';
import { keyOf } from '../storage-key.ts';
import { ALONE, type Companions, type WriteRequest } from './plan.ts';

/** The definition's revision goes into the transaction, so that no object outlives it. */
export function liveDefinition({ kind, view }: WriteRequest): Companions {
  if (!isCustom(kind)) return ALONE;
  const at = { stream: CUSTOM_RESOURCE_DEFINITIONS, namespace: '', name: `${kind.ref.resource}.${kind.ref.group}` };
  const definition = view.get(at);
  if (definition === undefined) throw new ApiError('NotFound', 'the server could not find the requested resource', {});
  if (definition.object.metadata.deletionTimestamp !== undefined)
    throw new ApiError('MethodNotAllowed', 'create not allowed while custom resource definition is terminating', {});
  return { compares: [{ key: keyOf(at), revision: definition.revision }], operations: [] };
}
