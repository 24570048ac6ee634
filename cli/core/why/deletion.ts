// Decides what holds an object that is being deleted: a finalizer, its grace, its node. Never deletes.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { kubeletOf } from './actors.ts';
import { nameOf, stuck, type AnyObject, type Answer, type Facts } from './facts.ts';

/** What removes a finalizer that everyone knows. */
const OWNERS: Record<string, string> = {
  foregroundDeletion: 'the garbage collector, once everything that it owns is gone',
  orphan: 'the garbage collector, once what it owns has been let go',
  'kubernetes.io/pvc-protection': 'the controller-manager, once no pod uses the claim',
  'kubernetes.io/pv-protection': 'the controller-manager, once no claim is bound to the volume',
};

export function heldByFinalizer(facts: Facts, object: AnyObject | Pod): Answer | undefined {
  const { deletionTimestamp, finalizers = [], name, namespace } = object.metadata;
  if (deletionTimestamp === undefined || finalizers.length === 0) return undefined;
  const what = nameOf({ kind: object.kind, metadata: object.metadata });
  const users = facts.pods.filter(
    (pod) =>
      object.kind === 'PersistentVolumeClaim' &&
      (pod.spec.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name),
  );
  const first = finalizers[0]!;
  const at = namespace === undefined || namespace === '' ? '' : ` -n ${namespace}`;
  return stuck(
    'finalizer',
    `${what} was deleted ${ago(facts.now, deletionTimestamp)}, and waits for whoever removes its finalizer ${finalizers.join(', ')}`,
    [
      `deletionTimestamp ${deletionTimestamp}`,
      ...finalizers.map(
        (each) => `finalizer ${each}: removed by ${OWNERS[each] ?? 'the program that put it there; it may be gone'}`,
      ),
      ...users.map((pod) => `used by pod/${pod.metadata.name}`),
    ],
    [
      ...(users.length === 0 ? [] : [`flotilla delete pod ${users.map((pod) => pod.metadata.name).join(' ')}${at}`]),
      `bring back the program that removes ${first}`,
      `or, if nobody will, kubectl patch ${what}${at} --type=merge -p '{"metadata":{"finalizers":null}}' (what it was there to clean up stays)`,
    ],
  );
}

export function leavingPod(facts: Facts, pod: Pod): Answer | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds = 30, name } = pod.metadata;
  if (deletionTimestamp === undefined) return undefined;
  const node = pod.spec.nodeName ?? '';
  const at = `pod/${name} was deleted ${ago(facts.now, deletionTimestamp, deletionGracePeriodSeconds)}`;
  const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined);
  const kubelet = kubeletOf(facts, node);
  const isNodeThere = facts.nodes.some(({ metadata }) => metadata.name === node);
  if (node !== '' && !isNodeThere)
    return stuck(
      'node-gone',
      `${at}, and its node ${node} is gone`,
      [`no node/${node}`],
      [`kubectl delete pod ${name} --grace-period=0 --force`],
    );
  if (kubelet !== undefined && !kubelet.answers)
    return stuck(
      'kubelet-down',
      `${at}, and the kubelet of ${node}, which ends its containers, does not run`,
      [`${kubelet.instance} is ${kubelet.state === 'running' ? 'silent' : kubelet.state}`],
      [
        `flotilla start kubelet-${node}`,
        `kubectl delete pod ${name} --grace-period=0 --force, if the node never comes back`,
      ],
    );
  const failed = facts.events.findLast(
    ({ reason, involvedObject }) => reason === 'FailedKillPod' && involvedObject.name === name,
  );
  if (failed !== undefined)
    return stuck(
      'kill-failed',
      `${at}, and its containers cannot be ended`,
      [failed.message ?? ''],
      [`look at containerd on ${node}`],
    );
  const left = Math.round((Date.parse(deletionTimestamp) - facts.now) / 1000);
  if (left > 0 && running.length > 0)
    return stuck(
      'terminating',
      `${at}; its containers were asked to end and have ${left} s more before they are killed`,
      running.map((status) => `container ${status.name} still runs: it may not heed SIGTERM`),
      [`wait, or kubectl delete pod ${name} --grace-period=1`],
    );
  return undefined;
}

export function ago(now: number, timestamp: string, graceSeconds = 0): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(timestamp)) / 1000) + graceSeconds);
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}
