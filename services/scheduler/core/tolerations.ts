// Decides whether a pod tolerates a taint. Never decides what follows (filters and scores do).
import type { Pod, Taint } from '../../../lib/api/generated/types.ts';
import { tolerates } from '../../../lib/api/tolerations.ts';

export function toleratesTaint(pod: Pod, taint: Taint): boolean {
  return (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}
