// Decides which writes concern a Pod as a whole, and whether it is a mirror of a node's own pod. Never admits one.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export function isPodWrite(request: WriteRequest): boolean {
  return request.kind.ref.group === '' && request.kind.ref.resource === 'pods';
}

export function isMirror(pod: KubeObject): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}
