// Decides how a workload reads and is written through its /scale. Never scales one.
import type { Scale } from './generated/types.ts';
import type { KubeObject } from './object.ts';
import { formatSelector } from './selectors.ts';

/** autoscaling/v1 Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController. */
export function toScale(object: KubeObject): Scale {
  const { metadata } = object;
  const selector = object['spec']?.selector;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
      creationTimestamp: metadata.creationTimestamp,
    },
    spec: { replicas: object['spec']?.replicas ?? 0 },
    status: {
      replicas: object['status']?.replicas ?? 0,
      // A ReplicationController's selector is a bare map.
      selector: formatSelector(object.kind === 'ReplicationController' ? { matchLabels: selector } : selector),
    },
  };
}

/** A copy of the object with the replicas that the Scale asks for. */
export function withScale<T extends KubeObject>(object: T, scale: Scale): T {
  return { ...object, spec: { ...object['spec'], replicas: scale.spec?.replicas ?? 0 } };
}
