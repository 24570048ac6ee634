// Decides when a claim or a volume that is being deleted may go: a claim once no pod that has a node names it, a volume once it
// is not bound. Never deletes one, and never trusts a view of pods that is older than the deletion.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef } from '../../../lib/api/resource.ts';
import { selfKey, type Controller, type Key, type KubeObject, type View } from '../../../lib/reconcile/controller.ts';
import { PROGRESS_MS, protect, type Protection } from '../core/protection.ts';

const CLAIMS = resourceRef('', 'v1', 'persistentvolumeclaims');
const VOLUMES = resourceRef('', 'v1', 'persistentvolumes');
const OF_CLAIMS: Protection = { ref: CLAIMS, finalizer: 'kubernetes.io/pvc-protection' };
const OF_VOLUMES: Protection = { ref: VOLUMES, finalizer: 'kubernetes.io/pv-protection' };

export const pvcProtection: Controller = {
  name: 'pvc-protection',
  kind: 'PersistentVolumeClaim',
  account: 'pvc-protection-controller',
  watches: [
    { ref: CLAIMS, keys: selfKey },
    { ref: RESOURCES.pods, keys: claimsOf },
  ],
  reconcile(view, { namespace, name }) {
    const claim = view.get<PersistentVolumeClaim & KubeObject>(CLAIMS, namespace, name);
    if (claim === undefined) return { actions: [], saw: 'no such claim' };
    return protect(OF_CLAIMS, claim, () => {
      const users = view.list<Pod>(RESOURCES.pods, namespace).filter((pod) => uses(pod, name));
      if (users.length > 0) return { actions: [], saw: 'ending', why: `in use by pod ${users[0]!.metadata.name}` };
      if (view.revision(RESOURCES.pods) < Number(claim.metadata.resourceVersion))
        return { actions: [], saw: 'ending', why: 'a pod may only not be known yet', againInMs: PROGRESS_MS };
      return undefined;
    });
  },
};

export const pvProtection: Controller = {
  name: 'pv-protection',
  kind: 'PersistentVolume',
  account: 'pv-protection-controller',
  watches: [{ ref: VOLUMES, keys: selfKey }],
  reconcile(view, { name }) {
    const volume = view.get<PersistentVolume & KubeObject>(VOLUMES, '', name);
    if (volume === undefined) return { actions: [], saw: 'no such volume' };
    return protect(OF_VOLUMES, volume, () =>
      volume.status?.phase === 'Bound' ? { actions: [], saw: 'ending', why: 'bound to a claim' } : undefined,
    );
  },
};

/** Names of the claims that a pod's volumes are of; an ephemeral one is named after the pod. */
function claimNames(pod: Pod | undefined): string[] {
  return (pod?.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) =>
    persistentVolumeClaim !== undefined
      ? [persistentVolumeClaim.claimName]
      : ephemeral !== undefined
        ? [`${pod!.metadata.name}-${name}`]
        : [],
  );
}

/** Who has no node yet uses nothing. */
const uses = (pod: Pod, claim: string): boolean => (pod.spec?.nodeName ?? '') !== '' && claimNames(pod).includes(claim);

/** Only a pod that goes lets go of a claim. */
function claimsOf(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  if (after !== undefined) return [];
  const namespace = before!.metadata.namespace ?? '';
  return claimNames(before as Pod).map((name) => ({ namespace, name }));
}
