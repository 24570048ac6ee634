// Decides how long a pod tolerates a node that is not ready or unreachable, unless the pod says so itself. Never shortens
// what a pod asks for.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { isPodWrite } from './pods.ts';

const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

interface Toleration {
  key?: string;
  operator?: string;
  effect?: string;
  tolerationSeconds?: number;
}

export function defaultTolerations(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isPodWrite(request) || old !== undefined) return;
  const spec = (object['spec'] ??= {});
  const own: Toleration[] = spec.tolerations ?? [];
  const missing = TAINTS.filter((taint) => !own.some((toleration) => tolerates(toleration, taint)));
  if (missing.length === 0) return;
  const tolerationSeconds = request.defaultTolerationSeconds;
  spec.tolerations = [
    ...own,
    ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds })),
  ];
}

function tolerates(toleration: Toleration, taint: string): boolean {
  const hasKey = toleration.key === taint || ((toleration.key ?? '') === '' && toleration.operator === 'Exists');
  return hasKey && ((toleration.effect ?? '') === '' || toleration.effect === 'NoExecute');
}
