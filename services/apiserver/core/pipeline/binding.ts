// Decides whether a pod may be bound to a node: once, while it lives. Never chooses the node.
import { cloneJson } from '../../../../lib/base/clone.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { judgesSent, validateSent } from '../admission/index.ts';
import { planUpdated, type Plan, type WriteRequest } from './plan.ts';
import { invalid } from '../../../../lib/api/field-error.ts';

export function planBinding(request: WriteRequest, current: CachedObject, binding: KubeObject): Plan {
  const node: string = binding['target']?.name ?? '';
  check(current.object, binding, node);
  if (judgesSent(request)) validateSent(request, 'CREATE', { kind: BINDING, object: named(binding, current.object) });
  const pod = cloneJson(current.object);
  pod['spec'].nodeName = node;
  if (binding.metadata?.annotations !== undefined)
    pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
  if (binding.metadata?.labels !== undefined)
    pod.metadata.labels = { ...pod.metadata.labels, ...binding.metadata.labels };
  const others = (pod['status']?.conditions ?? []).filter((condition: any) => condition.type !== 'PodScheduled');
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: toTime(request.now),
  };
  pod['status'] = { ...pod['status'], conditions: [...others, scheduled] };
  const plan = planUpdated(request.kind, current, pod);
  return {
    ...plan,
    code: 201,
    answer: () => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }),
  };
}

const BINDING = { group: '', version: 'v1', kind: 'Binding' };

/** With the names that its path gives it. */
const named = (binding: KubeObject, { metadata }: KubeObject): KubeObject => ({
  ...binding,
  metadata: { ...binding.metadata, name: metadata.name, namespace: metadata.namespace! },
});

function check(pod: KubeObject, binding: KubeObject, node: string): void {
  const name = pod.metadata.name;
  if (node === '')
    throw invalid({ group: '', kind: 'Binding' }, name, [
      { code: 'FieldValueRequired', path: 'target.name', message: 'Required value' },
    ]);
  const targetKind: string = binding['target']?.kind ?? '';
  if (targetKind !== '' && targetKind !== 'Node')
    throw invalid({ group: '', kind: 'Binding' }, name, [
      {
        code: 'FieldValueNotSupported',
        path: 'target.kind',
        message: `Unsupported value: ${JSON.stringify(targetKind)}: supported values: "Node", "<empty>"`,
      },
    ]);
  const uid = binding.metadata?.uid ?? '';
  if (uid !== '' && uid !== pod.metadata.uid)
    throw bindConflict(
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  if (pod.metadata.deletionTimestamp !== undefined)
    throw bindConflict(name, `pod ${name} is being deleted, cannot be assigned to a host`);
  const present: string = pod['spec']?.nodeName ?? '';
  if (present !== '') throw bindConflict(name, `pod ${name} is already assigned to node ${JSON.stringify(present)}`);
  if ((pod['spec']?.schedulingGates ?? []).length > 0)
    throw bindConflict(name, `pod ${name} has non-empty .spec.schedulingGates`);
}

function bindConflict(name: string, why: string): ApiError {
  return new ApiError('Conflict', `Operation cannot be fulfilled on pods/binding ${JSON.stringify(name)}: ${why}`, {
    name,
    kind: 'pods/binding',
  });
}
