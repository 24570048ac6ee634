// Decides which container of a pod, and which pods of a workload, a command means when it is not told. Never asks.
import { UsageError } from './resources.ts';

export interface PodLike {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: { containers: Array<{ name: string }>; initContainers?: Array<{ name: string }> };
}

/** The annotated one, or the first, with kubectl's remark when there are others. */
export function defaultContainer(pod: PodLike): { name: string; notice?: string } {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated !== undefined && all.some(({ name }) => name === annotated)) return { name: annotated };
  const [first] = pod.spec.containers;
  if (first === undefined) throw new UsageError(`pod ${pod.metadata.name} has no containers`);
  if (all.length === 1) return { name: first.name };
  const init = (pod.spec.initContainers ?? []).map(({ name }) => `${name} (init)`);
  const names = [...pod.spec.containers.map(({ name }) => name), ...init].join(', ');
  return { name: first.name, notice: `Defaulted container "${first.name}" out of: ${names}` };
}

/** Label selector of the pods of a Deployment, ReplicaSet or Service. */
export function podLabelsOf(object: unknown, what: string): string {
  const selector = (object as { spec?: { selector?: unknown } }).spec?.selector as
    | { matchLabels?: Record<string, string> }
    | Record<string, string>
    | undefined;
  const labels =
    (selector as { matchLabels?: Record<string, string> } | undefined)?.matchLabels ??
    (selector as Record<string, string> | undefined);
  const pairs = Object.entries(labels ?? {}).filter(([, value]) => typeof value === 'string');
  if (pairs.length === 0) throw new UsageError(`${what} selects no pods`);
  return pairs.map(([key, value]) => `${key}=${value}`).join(',');
}
