// Decides what a kubelet may write into what is its own: not another node's name, no pod but a mirror of its own, no
// labels that others trust. Never looks at anyone else's requests.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { nodeOf } from '../auth/user.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { isMirror } from './pods.ts';

/** Labels that isolate workloads: a node that could set them could attract pods that are not meant for it. */
const RESERVED_LABEL = /^([^/]*\.)?node-restriction\.kubernetes\.io\//;
const KUBERNETES_LABEL = /^([^/]*\.)?(kubernetes\.io|k8s\.io)\//;
const KUBELET_LABEL =
  /^((kubelet|node)\.kubernetes\.io\/.*|kubernetes\.io\/(hostname|arch|os)|(beta\.kubernetes\.io\/(arch|os|instance-type))|(topology|failure-domain\.beta)\.kubernetes\.io\/(zone|region)|node\.kubernetes\.io\/instance-type)$/;

type Check = (
  request: WriteRequest,
  node: string,
  object: KubeObject,
  old: KubeObject | undefined,
) => string | undefined;

const CHECKS: Record<string, Check> = {
  'core/nodes': ownNode,
  'core/pods': ownPod,
  'coordination.k8s.io/leases': ownLease,
  'storage.k8s.io/csinodes': (_request, node, object) =>
    object.metadata.name === node ? undefined : `can only access CSINode with the same name as the requesting node`,
};

export function nodeRestriction(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const node = nodeOf(request.user);
  if (node === undefined) return;
  const { group, resource } = request.kind.ref;
  const reason = CHECKS[`${group === '' ? 'core' : group}/${resource}`]?.(request, node, object, old);
  if (reason !== undefined) throw forbiddenBy(request.kind, object.metadata.name, reason);
}

export function nodeRestrictionOnDelete(request: WriteRequest, old: KubeObject): void {
  const node = nodeOf(request.user);
  if (node === undefined || old.kind !== 'Pod' || old['spec']?.nodeName === node) return;
  throw forbiddenBy(
    request.kind,
    old.metadata.name,
    `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`,
  );
}

function ownNode(
  _request: WriteRequest,
  node: string,
  object: KubeObject,
  old: KubeObject | undefined,
): string | undefined {
  if (object.metadata.name !== node)
    return `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(object.metadata.name)}`;
  const before = old?.metadata.labels ?? {};
  const after = object.metadata.labels ?? {};
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key],
  );
  const wrong = changed.filter(
    (key) => RESERVED_LABEL.test(key) || (KUBERNETES_LABEL.test(key) && !KUBELET_LABEL.test(key)),
  );
  if (wrong.length > 0) return `is not allowed to modify labels: ${wrong.toSorted().join(', ')}`;
  if (old !== undefined && !equalObjects(object['spec']?.taints, old['spec']?.taints))
    return `node ${JSON.stringify(node)} is not allowed to modify taints`;
  return undefined;
}

function ownPod(
  _request: WriteRequest,
  node: string,
  object: KubeObject,
  old: KubeObject | undefined,
): string | undefined {
  if (old !== undefined) {
    if (old['spec']?.nodeName !== node)
      return `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`;
    return equalObjects(object.metadata.labels, old.metadata.labels)
      ? undefined
      : `node ${JSON.stringify(node)} cannot update labels through pod status`;
  }
  if (!isMirror(object))
    return `pod does not have "kubernetes.io/config.mirror" annotation, node ${JSON.stringify(node)} can only create mirror pods`;
  return object['spec']?.nodeName === node
    ? undefined
    : `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`;
}

function ownLease(_request: WriteRequest, node: string, object: KubeObject): string | undefined {
  if (object.metadata.namespace === 'kube-node-lease' && object.metadata.name === node) return undefined;
  return `can only access node lease with the same name as the requesting node, ${JSON.stringify(node)}, in namespace "kube-node-lease"`;
}
