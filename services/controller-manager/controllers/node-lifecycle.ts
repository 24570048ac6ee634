// Decides what follows when a node's kubelet falls silent: conditions become Unknown, the node is tainted, its pods are no
// longer ready, and those that do not tolerate it go. Never compares a node's clock with its own: a Lease is old when
// *we* have not seen it change.
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Node, Pod } from '../../../lib/api/generated/types.ts';
import { toTime } from '../../../lib/base/clock.ts';
import {
  selfKey,
  type Action,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { deletionOf, eventAbout, updateOf } from '../core/actions.ts';
import { readiness, silentConditions, taintsFor } from '../core/node-health.ts';
import { isReady, isTerminal, isTerminating } from '../core/pod.ts';
import { evictionTime } from '../core/taints.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

export interface NodeLifecycleOptions {
  nodeMonitorGraceSeconds: number;
  defaultTolerationSeconds: number;
}

export function nodeLifecycle(options: NodeLifecycleOptions): Controller {
  return {
    name: 'node-lifecycle',
    kind: 'Node',
    account: 'node-controller',
    watches: [
      { ref: RESOURCES.nodes, keys: selfKey },
      { ref: RESOURCES.pods, keys: nodeOfPod },
    ],
    // Renewals wake nobody: a node is looked at again when its Lease would be too old.
    reads: [RESOURCES.leases],
    reconcile(view, key, now) {
      const node = view.get<Node>(RESOURCES.nodes, '', key.name);
      if (node === undefined) return { actions: [], saw: 'no such Node' };
      return reconcile(view, node, now, options);
    },
  };
}

/** A pod that came to a node: only news where the node is not well. */
function nodeOfPod(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const pod = after as Pod | undefined;
  const name = pod?.spec.nodeName ?? '';
  if (pod === undefined || name === '') return [];
  if ((before as Pod | undefined)?.spec.nodeName === name) return [];
  const node = view.get<Node>(RESOURCES.nodes, '', name);
  const isWell = node === undefined || (readiness(node) === 'True' && (node.spec?.taints ?? []).length === 0);
  return isWell ? [] : [{ namespace: '', name }];
}

function reconcile(view: View, node: Node, now: number, options: NodeLifecycleOptions): Reconciled {
  const { name } = node.metadata;
  const graceMs = options.nodeMonitorGraceSeconds * 1000;
  const seenAt = view.seenAt(RESOURCES.leases, LEASE_NAMESPACE, name) ?? view.seenAt(RESOURCES.nodes, '', name) ?? now;
  const silentMs = now - seenAt;
  const isSilent = silentMs >= graceMs;
  const ready = isSilent ? 'Unknown' : readiness(node);
  const saw = `Ready ${readiness(node)}, Lease renewed ${Math.round(silentMs / 1000)} s ago`;
  const actions: Action[] = [];
  let againInMs = isSilent ? graceMs : graceMs - silentMs;
  let why: string | undefined;
  const hasNoExecute = (node.spec?.taints ?? []).some((taint) => taint.effect === 'NoExecute');
  if (ready !== 'True' || hasNoExecute) {
    const pods = view.list<Pod>(RESOURCES.pods).filter((pod) => pod.spec.nodeName === name && !isTerminal(pod));
    // Once, when its kubelet falls silent: who says later that a pod is ready is that kubelet, back before its Lease.
    // Before the node's own condition, so that a mark that failed is made again.
    if (isSilent && readiness(node) !== 'Unknown')
      actions.push(...pods.filter(isReady).flatMap((pod) => markNotReady(pod, now)));
    const evictions = evict(view, node, pods, now, options);
    actions.push(...nodeActions(node, isSilent, now), ...evictions.actions);
    againInMs = Math.min(againInMs, evictions.againInMs ?? againInMs);
    why = evictions.why;
  } else actions.push(...nodeActions(node, isSilent, now));
  if (actions.length === 0) why ??= 'conditions and taints say so already';
  return { actions, saw, againInMs: Math.max(againInMs, 100), ...(why === undefined ? {} : { why }) };
}

/** One write to the node at a time: status first, taints follow from what it then says. */
function nodeActions(node: Node, isSilent: boolean, now: number): Action[] {
  if (isSilent && readiness(node) !== 'Unknown') {
    const status = { ...node.status, conditions: silentConditions(node, now) };
    return [
      updateOf(RESOURCES.nodes, { ...node, status }, 'updateStatus'),
      eventAbout(RESOURCES.nodes, node, 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`),
    ];
  }
  const taints = taintsFor(node, now);
  if (taints === undefined) return [];
  return [updateOf(RESOURCES.nodes, { ...node, spec: { ...node.spec, taints } })];
}

/** Endpoints drop it at once; the kubelet says better when it is back. */
function markNotReady(pod: Pod, now: number): Action[] {
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: toTime(now) } : condition,
  );
  return [
    updateOf(RESOURCES.pods, { ...pod, status: { ...pod.status, conditions } }, 'updateStatus'),
    eventAbout(RESOURCES.pods, pod, 'NodeNotReady', 'Node is not ready', 'Warning'),
  ];
}

function evict(
  view: View,
  node: Node,
  pods: readonly Pod[],
  now: number,
  options: NodeLifecycleOptions,
): { actions: Action[]; againInMs?: number; why?: string } {
  const due: Pod[] = [];
  let next = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    if (isTerminating(pod)) continue;
    const { defaultTolerationSeconds } = options;
    const time = evictionTime(node.spec?.taints ?? [], pod.spec.tolerations ?? [], defaultTolerationSeconds, now);
    if (time === undefined) continue;
    if (time <= now) due.push(pod);
    else next = Math.min(next, time - now);
  }
  const again = Number.isFinite(next) ? { againInMs: next } : {};
  // When no node at all is well, the fault is more likely ours (or the network's) than theirs: moving pods helps nobody.
  const isNobodyWell = !view.list<Node>(RESOURCES.nodes).some((one) => readiness(one) === 'True');
  if (due.length > 0 && isNobodyWell && readiness(node) !== 'True')
    return { actions: [], ...again, why: `no node is ready: ${due.length} pods stay where they are` };
  const actions = due.flatMap((pod) => [
    deletionOf(RESOURCES.pods, pod),
    eventAbout(
      RESOURCES.pods,
      pod,
      'TaintManagerEviction',
      `Marking for deletion Pod ${pod.metadata.namespace}/${pod.metadata.name}`,
    ),
  ]);
  return { actions, ...again };
}
