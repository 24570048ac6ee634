// Decides which ReplicaSets are a Deployment's, which of them is the new one (its template is the Deployment's), and what
// a new one looks like. Never decides sizes.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../../lib/api/resource.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import type { View } from '../../../../lib/reconcile/controller.ts';
import { claim, type Claim } from '../../core/claim.ts';
import { templateHash } from '../../core/hash.ts';
import { controllerReference, isControlledBy } from '../../core/owner.ts';
import { byCreation } from './revision.ts';

const HASH_LABEL = 'pod-template-hash';

export interface Sets {
  newSet: ReplicaSet | undefined;
  /** Oldest first. */
  oldSets: ReplicaSet[];
}

export function claimSets(view: View, deployment: Deployment): Claim<ReplicaSet> {
  const who = {
    ownerRef: RESOURCES.deployments,
    owner: deployment,
    ref: RESOURCES.replicaSets,
    matches: (labels: Record<string, string>) => selects(deployment.spec.selector, labels),
  };
  return claim(who, view.list<ReplicaSet>(RESOURCES.replicaSets, deployment.metadata.namespace ?? ''));
}

function withoutHash(template: PodTemplateSpec | undefined): object {
  const { [HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

function isSameTemplate(deployment: Deployment, set: ReplicaSet): boolean {
  return equalObjects(withoutHash(set.spec.template), withoutHash(deployment.spec.template));
}

/** Of several with the same template (an older bug, or hands) the oldest is the new one: anything but random. */
export function splitSets(deployment: Deployment, sets: readonly ReplicaSet[]): Sets {
  const sorted = byCreation(sets);
  const newSet = sorted.find((set) => isSameTemplate(deployment, set));
  return { newSet, oldSets: sorted.filter((set) => set !== newSet) };
}

function hashOf(deployment: Deployment): string {
  return templateHash(deployment.spec.template, deployment.status?.collisionCount ?? 0);
}

/** Another object has the name that the new ReplicaSet would get: the hash must be taken again with a higher count. */
export function hasCollision(view: View, deployment: Deployment): boolean {
  const name = `${deployment.metadata.name}-${hashOf(deployment)}`;
  const holder = view.get<ReplicaSet>(RESOURCES.replicaSets, deployment.metadata.namespace ?? '', name);
  return holder !== undefined && !(isControlledBy(holder, deployment) && isSameTemplate(deployment, holder));
}

/** The ReplicaSet as it is to be created; annotations and size are the caller's. */
export function newReplicaSet(deployment: Deployment): ReplicaSet {
  const hash = hashOf(deployment);
  const { template, selector } = deployment.spec;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {},
      ownerReferences: [controllerReference(RESOURCES.deployments, deployment)],
    },
    spec: {
      replicas: 0,
      minReadySeconds: deployment.spec.minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } as PodTemplateSpec['metadata'] },
    },
  };
}
