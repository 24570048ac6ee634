// Decides that a new node takes no pods before it is known to be ready: the taint goes when the node controller sees that it is.
// Never touches a node that exists.
import type { Taint } from '../../../../lib/api/generated/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export function nodeTaint({ kind, info }: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (kind.ref.group !== '' || kind.ref.resource !== 'nodes' || old !== undefined || info.subresource !== '') return;
  const taints: Taint[] = object['spec']?.taints ?? [];
  if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return;
  object['spec'] = { ...object['spec'], taints: [...taints, { ...NOT_READY }] };
}
