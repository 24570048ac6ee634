// Decides the number behind a pod's priority class, and that the system's classes stay. Never lets a pod choose a number of its own.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { isPodWrite } from './pods.ts';

export const PRIORITY_CLASSES = 'scheduling.k8s.io/priorityclasses';

export function priority(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isPodWrite(request) || old !== undefined) return;
  const spec = (object['spec'] ??= {});
  const { value, preemptionPolicy, name } = classOf(request, object, spec.priorityClassName ?? '');
  if (spec.priority !== undefined && spec.priority !== value)
    throw forbiddenBy(
      request.kind,
      object.metadata.name,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  spec.priority = value;
  if (name !== '') spec.priorityClassName = name;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
    throw forbiddenBy(
      request.kind,
      object.metadata.name,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
    );
  spec.preemptionPolicy = preemptionPolicy;
}

const OF_THE_SYSTEM: ReadonlySet<string> = new Set(['system-node-critical', 'system-cluster-critical']);

/** By itself, that is: as upstream, who deletes all of them deletes these too. */
export function priorityOnDelete({ kind, info }: WriteRequest, { metadata: { name } }: KubeObject): void {
  if (kind.ref.resource !== 'priorityclasses' || info.verb !== 'delete' || !OF_THE_SYSTEM.has(name)) return;
  throw forbiddenBy(kind, name, 'this is a system priority class and cannot be deleted');
}

function classOf(
  request: WriteRequest,
  pod: KubeObject,
  name: string,
): { name: string; value: number; preemptionPolicy: string } {
  if (name !== '') {
    const found = request.view.get({ stream: PRIORITY_CLASSES, namespace: '', name });
    if (found === undefined)
      throw forbiddenBy(request.kind, pod.metadata.name, `no PriorityClass with name ${name} was found`);
    return {
      name,
      value: found.object['value'],
      preemptionPolicy: found.object['preemptionPolicy'] ?? 'PreemptLowerPriority',
    };
  }
  // Several global defaults: the lowest wins, as upstream.
  const defaults = [...request.view.list(PRIORITY_CLASSES)]
    .filter(({ object }) => object['globalDefault'] === true)
    .toSorted((a, b) => a.object['value'] - b.object['value']);
  const chosen = defaults[0];
  if (chosen === undefined) return { name: '', value: 0, preemptionPolicy: 'PreemptLowerPriority' };
  return {
    name: chosen.name,
    value: chosen.object['value'],
    preemptionPolicy: chosen.object['preemptionPolicy'] ?? 'PreemptLowerPriority',
  };
}
