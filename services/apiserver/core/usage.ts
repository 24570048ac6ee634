// Decides how what a kubelet measured reads as metrics.k8s.io: a node's and its pods' usage. Never measures anything.
import type { KubeObject } from '../../../lib/api/object.ts';
import { toTime } from '../../../lib/base/clock.ts';
import type { NodeUsage } from '../../../lib/bus/messages.ts';

const VERSION = 'metrics.k8s.io/v1beta1';

interface Amount {
  cpuNanoCores: number;
  memoryBytes: number;
}

/** Nanocores and kibibytes, as metrics-server tells them. */
const quantities = ({ cpuNanoCores, memoryBytes }: Amount): object => ({
  cpu: `${cpuNanoCores}n`,
  memory: `${Math.ceil(memoryBytes / 1024)}Ki`,
});

function common(kind: string, object: KubeObject, usage: NodeUsage): KubeObject {
  const { name, namespace, labels } = object.metadata;
  return {
    kind,
    apiVersion: VERSION,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: toTime(usage.at),
      ...(labels === undefined ? {} : { labels }),
    },
    timestamp: toTime(usage.at),
    window: `${(usage.windowMs / 1000).toFixed(3)}s`,
  };
}

export function nodeMetrics(node: KubeObject, usage: NodeUsage): KubeObject {
  const sum = usage.containers.reduce<Amount>(
    (all, one) => ({
      cpuNanoCores: all.cpuNanoCores + one.cpuNanoCores,
      memoryBytes: all.memoryBytes + one.memoryBytes,
    }),
    { cpuNanoCores: 0, memoryBytes: 0 },
  );
  return { ...common('NodeMetrics', node, usage), usage: quantities(sum) };
}

/** Undefined: nothing of the pod has been measured. */
export function podMetrics(pod: KubeObject, usage: NodeUsage): KubeObject | undefined {
  const own = usage.containers.filter(({ uid }) => uid === pod.metadata.uid);
  if (own.length === 0) return undefined;
  const containers = own.map((one) => ({ name: one.name, usage: quantities(one) }));
  return { ...common('PodMetrics', pod, usage), containers };
}

/** Only a node that speaks is asked: one that is silent would hold up the answer for all. */
export const isSpeaking = (node: KubeObject): boolean =>
  (node['status']?.conditions ?? []).some((one: any) => one.type === 'Ready' && one.status === 'True');
