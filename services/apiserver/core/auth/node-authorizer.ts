// Decides what a kubelet may ask for: its Node, its Lease, the pods bound to it, and what those pods refer to. Never
// decides by what a request's body says (admission/node-restriction.ts does).
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Attributes } from './attributes.ts';
import { allows, type PolicyRule } from './rules.ts';

/** What is known of nodes and pods, possibly a moment old. */
export interface NodeGraph {
  podsOn(node: string): Iterable<KubeObject>;
  pod(namespace: string, name: string): KubeObject | undefined;
  claim(namespace: string, name: string): KubeObject | undefined;
  attachment(name: string): KubeObject | undefined;
}

export type NodeVerdict = { allowed: true } | { allowed: false; reason: string };

const READ = ['get', 'list', 'watch'];

/** What needs no look at the graph, because it belongs to no node. */
const NODE_RULES: PolicyRule[] = [
  { verbs: READ, apiGroups: [''], resources: ['services'] },
  { verbs: ['get'], apiGroups: [''], resources: ['endpoints'] },
  {
    verbs: ['create', ...READ],
    apiGroups: ['certificates.k8s.io'],
    resources: ['certificatesigningrequests'],
  },
  { verbs: READ, apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'] },
  { verbs: READ, apiGroups: ['storage.k8s.io'], resources: ['csidrivers'] },
  { verbs: ['create', 'patch', 'update'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] },
  { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews', 'selfsubjectreviews'] },
  {
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews', 'localsubjectaccessreviews', 'selfsubjectaccessreviews'],
  },
];

type Check = (asked: Attributes, node: string, graph: NodeGraph) => string | undefined;

/** Each answers why not, or undefined. The key is `group/resource[/subresource]`. */
const CHECKS: Record<string, Check> = {
  '/nodes': ownNode,
  '/nodes/status': ownNode,
  '/pods': ownPods,
  '/pods/status': ownPods,
  '/pods/eviction': ownPods,
  'coordination.k8s.io/leases': ownLease,
  '/secrets': (asked, node, graph) => referenced(asked, node, graph, secretsOf),
  '/configmaps': (asked, node, graph) => referenced(asked, node, graph, configMapsOf),
  '/persistentvolumeclaims': claim,
  '/persistentvolumeclaims/status': claimStatus,
  '/persistentvolumes': ownVolume,
  'storage.k8s.io/volumeattachments': ownAttachment,
  'storage.k8s.io/csinodes': ownCsiNode,
  '/serviceaccounts': account,
  '/serviceaccounts/token': accountToken,
};

export function authorizeNode(asked: Attributes, node: string, graph: NodeGraph): NodeVerdict {
  if (node === '') return { allowed: false, reason: `unknown node for user ${JSON.stringify(asked.user.name)}` };
  if (asked.path === undefined && NODE_RULES.some((rule) => allows(rule, asked))) return { allowed: true };
  const key = `${asked.group}/${asked.resource}${asked.subresource === '' ? '' : `/${asked.subresource}`}`;
  const check = CHECKS[key];
  if (check === undefined || asked.path !== undefined) return { allowed: false, reason: '' };
  const reason = check(asked, node, graph);
  return reason === undefined ? { allowed: true } : { allowed: false, reason };
}

const unrelated = (node: string): string => `no relationship found between node '${node}' and this object`;
/** No reason is told: upstream has none. */
const NO = '';

/** Whose Node it is when it is written is admission's to say: its name may be in the body. */
function ownNode({ verb, subresource, name }: Attributes, node: string): string | undefined {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? undefined : NO;
  if (verb === 'create' || verb === 'update' || verb === 'patch') return undefined;
  if (!READ.includes(verb)) return NO;
  if (name === node) return undefined;
  const which = name === '' ? 'all nodes' : `'${name}'`;
  return `node '${node}' cannot read ${which}, only its own Node object`;
}

/** Whose pod it is when it is written is admission's to say. */
function ownPods(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  const { verb, subresource } = asked;
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? undefined : NO;
  if (subresource === 'eviction') return verb === 'create' ? undefined : NO;
  if (verb === 'create' || verb === 'delete') return undefined;
  if (!READ.includes(verb)) return NO;
  if (verb !== 'get' && selectsNode(asked, node)) return undefined;
  if (verb !== 'get' && asked.name === '') return 'can only list/watch pods with spec.nodeName field selector';
  const pod = graph.pod(asked.namespace, asked.name);
  // A pod that is gone is answered with 404, which tells a node nothing.
  return pod === undefined || pod.spec?.nodeName === node ? undefined : unrelated(node);
}

const selectsNode = ({ fieldSelector = '' }: Attributes, node: string): boolean =>
  fieldSelector.split(',').some((one) => one === `spec.nodeName=${node}` || one === `spec.nodeName==${node}`);

const WRITES_ITS_OWN = ['get', 'create', 'update', 'patch', 'delete'];

function ownLease({ verb, namespace, name }: Attributes, node: string): string | undefined {
  if (!WRITES_ITS_OWN.includes(verb)) return 'can only get, create, update, patch, or delete a node lease';
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace';
  if (verb === 'create' || name === node) return undefined;
  return 'can only access node lease with the same name as the requesting node';
}

const getAlone = ({ verb }: Attributes): string | undefined =>
  verb === 'get' ? undefined : 'can only get individual resources of this type';

/** Volumes belong to no namespace: the claims of the node's pods say which it may read. */
function ownVolume(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  const wrong = getAlone(asked);
  if (wrong !== undefined) return wrong;
  for (const pod of graph.podsOn(node))
    for (const claim of claimsOf(pod))
      if (graph.claim(pod.metadata.namespace ?? '', claim)?.['spec']?.volumeName === asked.name) return undefined;
  return unrelated(node);
}

function ownAttachment(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  const wrong = getAlone(asked);
  if (wrong !== undefined) return wrong;
  return graph.attachment(asked.name)?.['spec']?.nodeName === node ? undefined : unrelated(node);
}

function ownCsiNode({ verb, name }: Attributes, node: string): string | undefined {
  if (!WRITES_ITS_OWN.includes(verb)) return 'can only get, create, update, patch, or delete a CSINode';
  // The name of a new one is in the body: admission looks at it.
  if (verb === 'create' || name === node) return undefined;
  return 'can only access CSINode with the same name as the requesting node';
}

function claim(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  return getAlone(asked) ?? related(asked, node, graph, claimsOf);
}

function claimStatus(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  if (!['get', 'update', 'patch'].includes(asked.verb)) return 'can only get/update/patch this type';
  return related(asked, node, graph, claimsOf);
}

function referenced(
  asked: Attributes,
  node: string,
  graph: NodeGraph,
  namesOf: (pod: KubeObject) => Iterable<string>,
): string | undefined {
  if (!READ.includes(asked.verb)) return 'can only read resources of this type';
  if (asked.namespace === '') return 'can only read namespaced object of this type';
  return related(asked, node, graph, namesOf);
}

function related(
  asked: Attributes,
  node: string,
  graph: NodeGraph,
  namesOf: (pod: KubeObject) => Iterable<string>,
): string | undefined {
  if (asked.name === '') return 'No Object name found';
  for (const pod of graph.podsOn(node)) {
    if (pod.metadata.namespace !== asked.namespace) continue;
    for (const name of namesOf(pod)) if (name === asked.name) return undefined;
  }
  return unrelated(node);
}

function accountToken(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  if (asked.verb !== 'create' || asked.name === '') return 'can only create tokens for individual service accounts';
  return related(asked, node, graph, serviceAccountsOf);
}

function account({ verb }: Attributes): string {
  return verb === 'get'
    ? 'not allowed to get service accounts'
    : 'can only create tokens for individual service accounts';
}

function containersOf(pod: KubeObject): any[] {
  return [
    ...(pod.spec?.initContainers ?? []),
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.ephemeralContainers ?? []),
  ];
}

export function* secretsOf(pod: KubeObject): Generator<string> {
  for (const pull of pod.spec?.imagePullSecrets ?? []) yield pull.name;
  for (const container of containersOf(pod)) {
    for (const env of container.env ?? [])
      if (env.valueFrom?.secretKeyRef !== undefined) yield env.valueFrom.secretKeyRef.name;
    for (const from of container.envFrom ?? []) if (from.secretRef !== undefined) yield from.secretRef.name;
  }
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.secret !== undefined) yield volume.secret.secretName;
    for (const source of volume.projected?.sources ?? []) if (source.secret !== undefined) yield source.secret.name;
    if (volume.csi?.nodePublishSecretRef !== undefined) yield volume.csi.nodePublishSecretRef.name;
  }
}

export function* configMapsOf(pod: KubeObject): Generator<string> {
  for (const container of containersOf(pod)) {
    for (const env of container.env ?? [])
      if (env.valueFrom?.configMapKeyRef !== undefined) yield env.valueFrom.configMapKeyRef.name;
    for (const from of container.envFrom ?? []) if (from.configMapRef !== undefined) yield from.configMapRef.name;
  }
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.configMap !== undefined) yield volume.configMap.name;
    for (const source of volume.projected?.sources ?? [])
      if (source.configMap !== undefined) yield source.configMap.name;
  }
}

export function* claimsOf(pod: KubeObject): Generator<string> {
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.persistentVolumeClaim !== undefined) yield volume.persistentVolumeClaim.claimName;
    if (volume.ephemeral !== undefined) yield `${pod.metadata.name}-${volume.name}`;
  }
}

function* serviceAccountsOf(pod: KubeObject): Generator<string> {
  yield pod.spec?.serviceAccountName ?? 'default';
}
