// Decides what a Pod is, from lib/api/pod. Never places, runs or ends one.
import { ageOf } from '../age.ts';
import type { Pod } from '../generated/types.ts';
import { defineKind, type RowCondition } from '../object.ts';
import { defaultPodOnly, defaultPodSpec } from '../pod/defaults.ts';
import { qosClassOf } from '../pod/qos.ts';
import { summarizePod } from '../pod/status.ts';
import { alignPodIPs, validatePodStatusUpdate } from '../pod/validate-status.ts';
import { validatePodUpdate } from '../pod/validate-update.ts';
import { podWarnings } from '../pod/warnings.ts';
import { validatePodCreate, validatePodSpec } from '../pod/validate.ts';

/** What a client may tell its rows apart by: the pod will not run again. */
const COMPLETED: Readonly<Record<string, readonly RowCondition[]>> = {
  Succeeded: [
    { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
  ],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
};

/** Ready gates that hold over all that are asked for; `<none>` without any. */
function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const conditions = pod.status?.conditions ?? [];
  const held = gates.filter(
    ({ conditionType }) => conditions.find(({ type }) => type === conditionType)?.status === 'True',
  );
  return `${held.length}/${gates.length}`;
}

export const pod = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  returnsDeletedObject: true,
  default(object) {
    object.spec ??= { containers: [] };
    defaultPodSpec(object.spec);
    defaultPodOnly(object.spec);
    if (object.status !== undefined) alignPodIPs(object.status);
  },
  validate: (object) => validatePodSpec(object.spec, false, object.metadata.name),
  validateCreate: (object) => validatePodCreate(object.spec),
  warnings: ({ spec }) => podWarnings(spec, 'spec'),
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  prepareForCreate(object) {
    object.status = { phase: 'Pending', qosClass: qosClassOf(object.spec) };
    if ((object.spec.schedulingGates ?? []).length > 0)
      object.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
          lastTransitionTime: object.metadata.creationTimestamp,
        },
      ];
  },
  prepareForStatusUpdate(object, old) {
    if (old.metadata.ownerReferences === undefined) delete object.metadata.ownerReferences;
    else object.metadata.ownerReferences = structuredClone(old.metadata.ownerReferences);
    // Who deletes a pod says so by a DELETE.
    if (old.metadata.deletionTimestamp === undefined) delete object.metadata.deletionTimestamp;
    object.status ??= {};
    object.status.qosClass ??= old.status?.qosClass;
  },
  cells(object, now) {
    const { ready, status, restarts } = summarizePod(object, now);
    return [
      object.metadata.name,
      ready,
      status,
      restarts,
      ageOf(object.metadata.creationTimestamp, now),
      object.status?.podIP || '<none>',
      object.spec.nodeName || '<none>',
      object.status?.nominatedNodeName || '<none>',
      readinessGates(object),
    ];
  },
  rowConditions: ({ status }) => COMPLETED[status?.phase ?? ''],
  fields: {
    'spec.nodeName': (object) => object.spec.nodeName ?? '',
    'spec.restartPolicy': (object) => object.spec.restartPolicy ?? '',
    'spec.schedulerName': (object) => object.spec.schedulerName ?? '',
    'spec.serviceAccountName': (object) => object.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (object) => String(object.spec.hostNetwork === true),
    'status.phase': (object) => object.status?.phase ?? '',
    'status.podIP': (object) => object.status?.podIP ?? '',
    'status.podIPs': (object) => object.status?.podIP ?? '',
    'status.nominatedNodeName': (object) => object.status?.nominatedNodeName ?? '',
  },
  /** Nobody runs an unscheduled or finished pod, so nobody needs time to end it. */
  graceSeconds(object, requestedSeconds) {
    if (!object.spec.nodeName || object.status?.phase === 'Succeeded' || object.status?.phase === 'Failed') return 0;
    const seconds = requestedSeconds ?? object.spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
});
