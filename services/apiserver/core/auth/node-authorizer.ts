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
  '/persistentvolumeclaims': (asked, node, graph) => referenced(asked, node, graph, claimsOf),
  '/persistentvolumeclaims/status': (asked, node, graph) =>
    ['get', 'update', 'patch'].includes(asked.verb)
      ? referenced({ ...asked, verb: 'get' }, node, graph, claimsOf)
      : `node ${q(node)} may not ${asked.verb} the status of claims`,
  '/persistentvolumes': ownVolume,
  'storage.k8s.io/volumeattachments': ownAttachment,
  'storage.k8s.io/csinodes': ownCsiNode,
  '/serviceaccounts': (asked, node, graph) => referenced(asked, node, graph, serviceAccountsOf),
  '/serviceaccounts/token': (asked, node, graph) =>
    asked.verb === 'create' ? serviceAccountOfOwnPod(asked, node, graph) : `may not ${asked.verb} tokens`,
};

export function authorizeNode(asked: Attributes, node: string, graph: NodeGraph): NodeVerdict {
  if (asked.path === undefined && NODE_RULES.some((rule) => allows(rule, asked))) return { allowed: true };
  const key = `${asked.group}/${asked.resource}${asked.subresource === '' ? '' : `/${asked.subresource}`}`;
  const check = CHECKS[key];
  if (check === undefined || asked.path !== undefined) return { allowed: false, reason: '' };
  const reason = check(asked, node, graph);
  return reason === undefined ? { allowed: true } : { allowed: false, reason };
}

function ownNode(asked: Attributes, node: string): string | undefined {
  // The name of a new Node is in the body: admission looks at it.
  if (asked.verb === 'create' && asked.subresource === '') return undefined;
  if (!['get', 'list', 'watch', 'update', 'patch', 'delete'].includes(asked.verb))
    return `node ${q(node)} may not ${asked.verb} nodes`;
  return asked.name === node
    ? undefined
    : `node ${q(node)} may only ${asked.verb} its own Node object (by name or with fieldSelector metadata.name=${node})`;
}

function ownPods(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  if (asked.verb === 'create' && asked.subresource === '') return undefined;
  if (asked.verb === 'list' || asked.verb === 'watch') {
    const own = (asked.fieldSelector ?? '').split(',').includes(`spec.nodeName=${node}`);
    return own ? undefined : `node ${q(node)} may only ${asked.verb} pods with fieldSelector spec.nodeName=${node}`;
  }
  if (!['get', 'delete', 'update', 'patch', 'create'].includes(asked.verb))
    return `node ${q(node)} may not ${asked.verb} pods`;
  const isWrite = asked.verb === 'update' || asked.verb === 'patch';
  if (isWrite && asked.subresource === '') return `node ${q(node)} may only update the status of pods`;
  const pod = graph.pod(asked.namespace, asked.name);
  // A pod that is gone is answered with 404, which tells a node nothing.
  if (pod === undefined) return undefined;
  return pod.spec?.nodeName === node
    ? undefined
    : `no relationship found between node ${q(node)} and pod ${q(`${asked.namespace}/${asked.name}`)}`;
}

function ownLease(asked: Attributes, node: string): string | undefined {
  if (asked.namespace !== 'kube-node-lease')
    return `node ${q(node)} may only use leases in the namespace "kube-node-lease"`;
  if (asked.verb === 'create') return undefined;
  return asked.name === node ? undefined : `node ${q(node)} may only ${asked.verb} the lease named like itself`;
}

/** Volumes belong to no namespace: the claims of the node's pods say which it may read. */
function ownVolume(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  if (asked.verb !== 'get') return `node ${q(node)} may only get persistentvolumes`;
  for (const pod of graph.podsOn(node))
    for (const claim of claimsOf(pod))
      if (graph.claim(pod.metadata.namespace ?? '', claim)?.['spec']?.volumeName === asked.name) return undefined;
  return `no relationship found between node ${q(node)} and this object`;
}

function ownAttachment(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  if (asked.verb !== 'get') return `node ${q(node)} may only get volumeattachments`;
  return graph.attachment(asked.name)?.['spec']?.nodeName === node
    ? undefined
    : `no relationship found between node ${q(node)} and this object`;
}

function ownCsiNode(asked: Attributes, node: string): string | undefined {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(asked.verb))
    return `node ${q(node)} may not ${asked.verb} csinodes`;
  // The name of a new one is in the body: admission looks at it.
  if (asked.verb === 'create' || asked.name === node) return undefined;
  return `node ${q(node)} may only ${asked.verb} the CSINode named like itself`;
}

function referenced(
  asked: Attributes,
  node: string,
  graph: NodeGraph,
  namesOf: (pod: KubeObject) => Iterable<string>,
): string | undefined {
  if (!READ.includes(asked.verb)) return `node ${q(node)} may only read ${asked.resource}`;
  if (asked.name === '')
    return `node ${q(node)} may only ${asked.verb} single ${asked.resource} (fieldSelector metadata.name=…)`;
  for (const pod of graph.podsOn(node)) {
    if (pod.metadata.namespace !== asked.namespace) continue;
    for (const name of namesOf(pod)) if (name === asked.name) return undefined;
  }
  return `no relationship found between node ${q(node)} and this object`;
}

function serviceAccountOfOwnPod(asked: Attributes, node: string, graph: NodeGraph): string | undefined {
  return referenced({ ...asked, verb: 'get' }, node, graph, serviceAccountsOf);
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

function q(text: string): string {
  return JSON.stringify(text);
}
