// Decides whose endpoints an EndpointSlice has. Never looks for the Service.
import type { EndpointSlice } from './generated/types.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';

/** `namespace/name` of its Service; undefined: it says none. */
export function sliceOwner(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME];
  return name === undefined ? undefined : `${slice.metadata.namespace ?? ''}/${name}`;
}
