// Decides what a kubelet may write into what is its own: not another node's name, no pod but a mirror of its own, no
// labels that others trust. Never looks at anyone else's requests.
import { parseCertificateRequest } from '../../../../lib/api/certificate-request.ts';
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { claimsOf, configMapsOf, secretsOf } from '../auth/node-authorizer.ts';
import { nodeOf } from '../auth/user.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { isMirror } from './pods.ts';

/** Labels that isolate workloads: a node that could set them could attract pods that are not meant for it. */
const RESERVED_LABEL = /^([^/]*\.)?node-restriction\.kubernetes\.io\//;
const KUBERNETES_LABEL = /^([^/]*\.)?(kubernetes\.io|k8s\.io)\//;
const KUBELET_LABEL =
  /^(([^/]*\.)?(kubelet|node)\.kubernetes\.io\/.*|kubernetes\.io\/(hostname|arch|os)|(beta\.kubernetes\.io\/(arch|os|instance-type))|(topology|failure-domain\.beta)\.kubernetes\.io\/(zone|region)|node\.kubernetes\.io\/instance-type)$/;

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
  'core/persistentvolumeclaims': ownClaim,
  'certificates.k8s.io/certificatesigningrequests': ownCertificate,
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
  const told =
    request.info.subresource === 'eviction'
      ? `node ${node} can only evict pods with spec.nodeName set to itself`
      : `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`;
  throw forbiddenBy(request.kind, old.metadata.name, told);
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
  const told = wrong.toSorted().join(', ');
  const untouched = old === undefined ? undefined : untouchedProblem(node, object, old);
  if (untouched !== undefined) return untouched;
  if (wrong.length > 0 && old === undefined)
    return `node ${JSON.stringify(node)} is not allowed to set the following labels: ${told}`;
  if (wrong.length > 0) return `is not allowed to modify labels: ${told}`;
  return undefined;
}

/** In upstream's order, before the labels. */
function untouchedProblem(node: string, object: KubeObject, old: KubeObject): string | undefined {
  const told = `node ${JSON.stringify(node)} is not allowed to`;
  const source: unknown = object['spec']?.configSource;
  if (source !== undefined && !equalObjects(source, old['spec']?.configSource))
    return `${told} update configSource to a new non-nil configSource`;
  if (!equalObjects(object['spec']?.taints, old['spec']?.taints)) return `${told} modify taints`;
  const owners = (one: KubeObject): unknown => one.metadata.ownerReferences ?? [];
  return equalObjects(owners(object), owners(old)) ? undefined : `${told} modify ownerReferences`;
}

function ownPod(
  request: WriteRequest,
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
  if (object['spec']?.nodeName !== node)
    return `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`;
  return ownerProblem(request, node, object) ?? referenceProblem(node, object);
}

/** A mirror goes with its node. */
function ownerProblem({ view }: WriteRequest, node: string, pod: KubeObject): string | undefined {
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  const only = `node ${JSON.stringify(node)} can only create pods with`;
  if (others.length > 0) return `${only} a single owner reference set to itself`;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    return `${only} an owner reference set to itself`;
  if (owner.controller !== true) return `${only} a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true)
    return `node ${JSON.stringify(node)} must not set blockOwnerDeletion on an owner reference`;
  const uid = view.get({ stream: 'core/nodes', namespace: '', name: node })?.object.metadata.uid;
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid ?? ''}`;
}

/** What a node's pods refer to it may read: with a pod of its own making it would read everything. */
function referenceProblem(node: string, pod: KubeObject): string | undefined {
  const none = `node ${JSON.stringify(node)} can not create pods that reference`;
  if ((pod['spec']?.serviceAccountName ?? '') !== '') return `${none} a service account`;
  if (!secretsOf(pod).next().done) return `${none} secrets`;
  if (!configMapsOf(pod).next().done) return `${none} configmaps`;
  return claimsOf(pod).next().done ? undefined : `${none} persistentvolumeclaims`;
}

const CLAIM_STATUS = ['capacity', 'conditions', 'allocatedResources', 'allocatedResourceStatuses'];

/** Of a claim a kubelet says how large it has become, and nothing else. */
function ownClaim(
  { info }: WriteRequest,
  node: string,
  object: KubeObject,
  old: KubeObject | undefined,
): string | undefined {
  if (info.subresource !== 'status' || old === undefined) return 'may only update PVC status';
  const rest = ({ metadata, status, ...others }: KubeObject): object => {
    const { resourceVersion: _1, managedFields: _2, ...meta } = metadata;
    const kept = Object.entries((status ?? {}) as object).filter(([field]) => !CLAIM_STATUS.includes(field));
    return { ...others, metadata: meta, status: Object.fromEntries(kept) };
  };
  if (equalObjects(rest(object), rest(old))) return undefined;
  return `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`;
}

const KUBELET_SIGNERS = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'];

/** With a certificate in another node's name it would be that node. */
function ownCertificate(
  { user }: WriteRequest,
  _node: string,
  object: KubeObject,
  old: KubeObject | undefined,
): string | undefined {
  if (old !== undefined || !KUBELET_SIGNERS.includes(object['spec']?.signerName)) return undefined;
  const { commonName } = parseCertificateRequest(object['spec'].request);
  if (!commonName.startsWith('system:node:') || commonName === user.name) return undefined;
  return `can only create a node CSR with CN=${user.name}`;
}

function ownLease(_request: WriteRequest, node: string, object: KubeObject): string | undefined {
  if (object.metadata.namespace === 'kube-node-lease' && object.metadata.name === node) return undefined;
  return object.metadata.namespace === 'kube-node-lease'
    ? 'can only access node lease with the same name as the requesting node'
    : 'can only access leases in the "kube-node-lease" system namespace';
}
