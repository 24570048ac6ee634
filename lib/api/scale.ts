// Decides how a workload reads and is written through its /scale. Never scales one.
import { ownValue } from '../base/records.ts';
import type { Scale } from './generated/types.ts';
import type { KubeObject } from './object.ts';
import { formatSelector } from './selectors.ts';

/** Where a custom resource has what its scale tells: names of fields, from the object down. */
export interface ScalePaths {
  readonly replicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** A text, as a custom resource keeps it. */
  readonly selector?: readonly string[];
}

/** autoscaling/v1 Scale of a Deployment, ReplicaSet, StatefulSet, ReplicationController or custom resource. */
export function toScale(object: KubeObject, paths?: ScalePaths): Scale {
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
    spec: { replicas: numberAt(object, paths?.replicas ?? ['spec', 'replicas']) },
    status: {
      replicas: numberAt(object, paths?.statusReplicas ?? ['status', 'replicas']),
      ...(paths === undefined
        ? // A ReplicationController's selector is a bare map.
          { selector: formatSelector(object.kind === 'ReplicationController' ? { matchLabels: selector } : selector) }
        : selectorText(object, paths)),
    },
  };
}

function numberAt(object: KubeObject, names: readonly string[]): number {
  const found = names.reduce<any>((value, name) => ownValue(value, name), object);
  return typeof found === 'number' ? found : 0;
}

function selectorText(object: KubeObject, { selector }: ScalePaths): { selector?: string } {
  const found = selector?.reduce<any>((value, name) => ownValue(value, name), object);
  return typeof found === 'string' ? { selector: found } : {};
}

/** Whether a custom resource says how many it shall have; others always do. */
export const hasReplicas = (object: KubeObject, { replicas }: ScalePaths): boolean =>
  (replicas.reduce<any>((value, name) => ownValue(value, name), object) ?? undefined) !== undefined;

/** A copy of the object with this many replicas. */
export function withReplicas<T extends KubeObject>(object: T, replicas: number, paths?: ScalePaths): T {
  const copy = structuredClone(object);
  const names = paths?.replicas ?? ['spec', 'replicas'];
  let parent: Record<string, any> = copy;
  for (const name of names.slice(0, -1)) parent = parent[name] ??= {};
  parent[names.at(-1)!] = replicas;
  return copy;
}
