// Decides what a pod's RuntimeClass adds to it: what it costs over its containers, and where it can run. Never lets a pod say
// another cost than its class.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { isPodWrite } from './pods.ts';

export const RUNTIME_CLASSES = 'node.k8s.io/runtimeclasses';

export function runtimeClass(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isPodWrite(request) || old !== undefined) return;
  const spec = (object['spec'] ??= {});
  const refuse = (why: string): never => {
    throw forbiddenBy(request.kind, object.metadata.name, why);
  };
  const name: string | undefined = spec.runtimeClassName;
  if (name === undefined) {
    if (spec.overhead !== undefined)
      refuse('pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    return;
  }
  const found = request.view.get({ stream: RUNTIME_CLASSES, namespace: '', name })?.object;
  if (found === undefined) return refuse(`pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  const cost = found['overhead']?.podFixed;
  if (spec.overhead !== undefined && !equalObjects(spec.overhead, cost))
    refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  if (cost !== undefined) spec.overhead = { ...cost };
  const { nodeSelector = {}, tolerations = [] } = found['scheduling'] ?? {};
  for (const [key, value] of Object.entries(nodeSelector as Record<string, string>))
    if (Object.hasOwn(spec.nodeSelector ?? {}, key) && spec.nodeSelector[key] !== value)
      refuse(
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${spec.nodeSelector[key]}`,
      );
  if (Object.keys(nodeSelector).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector };
  const added = tolerations.filter(
    (one: unknown) => !(spec.tolerations ?? []).some((own: unknown) => equalObjects(own, one)),
  );
  if (added.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...structuredClone(added)];
}
