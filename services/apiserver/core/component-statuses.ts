// Decides how the parts of the control plane are, from the Leases of those that take turns and from what the store said. Never
// asks any of them.
import { toTime } from '../../../lib/base/clock.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';

const LEASES = 'coordination.k8s.io/leases';
/** As upstream names them, and whose Lease tells of them. */
const LED: Readonly<Record<string, string>> = {
  scheduler: 'kube-scheduler',
  'controller-manager': 'kube-controller-manager',
};

/** `storeProblem`: why the store did not answer just now; undefined: it did. `now` in milliseconds. */
export function componentStatuses(view: ClusterCache, now: number, storeProblem: string | undefined): KubeObject[] {
  const led = Object.entries(LED).map(([name, lease]) => status(name, leaseProblem(view, lease, now)));
  return [...led, status('store', storeProblem)];
}

function leaseProblem(view: ClusterCache, name: string, now: number): string | undefined {
  const spec = view.get({ stream: LEASES, namespace: 'kube-system', name })?.object['spec'];
  if (!spec?.holderIdentity) return `nobody holds the Lease kube-system/${name}`;
  const renewedAt = Date.parse(spec.renewTime ?? '') || 0;
  if (now - renewedAt <= (spec.leaseDurationSeconds ?? 0) * 1000) return undefined;
  return `the Lease kube-system/${name} was last renewed by ${spec.holderIdentity} at ${toTime(renewedAt)}`;
}

function status(name: string, problem: string | undefined): KubeObject {
  const condition = problem === undefined ? { status: 'True', message: 'ok' } : { status: 'False', message: problem };
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [{ type: 'Healthy', ...condition }],
  };
}
