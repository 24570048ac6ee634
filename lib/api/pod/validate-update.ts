// Decides which changes of a pod may stand: few, because a kubelet is running it. Never looks at what does not change.
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, required, type FieldError } from '../field-error.ts';
import type { Pod, PodSpec, Toleration } from '../generated/types.ts';

const MAY_CHANGE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const { spec } = pod;
  const was = old.spec;
  const sameCount =
    (spec.containers ?? []).length === (was.containers ?? []).length &&
    (spec.initContainers ?? []).length === (was.initContainers ?? []).length;
  // With another number of containers the rest cannot be compared, so this stands alone.
  if (!sameCount) return [forbidden('spec.containers', 'pod updates may not add or remove containers')];
  const errors = [
    ...validateImages(spec),
    ...validateDeadline(spec.activeDeadlineSeconds, was.activeDeadlineSeconds),
    ...validateTolerationChange(spec.tolerations ?? [], was.tolerations ?? []),
    ...validateGateChange(spec, was),
  ];
  if (!equalObjects(withoutMutable(spec, was), withoutMutable(was, was)))
    errors.push(
      forbidden('spec', `${MAY_CHANGE}\n${changedFields(withoutMutable(spec, was), withoutMutable(was, was))}`),
    );
  return errors;
}

function validateImages(spec: PodSpec): FieldError[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((container, i) => (container.image ? [] : [required(`spec.${list}[${i}].image`)])),
  );
}

function validateDeadline(now: number | undefined, was: number | undefined): FieldError[] {
  const path = 'spec.activeDeadlineSeconds';
  if (was === undefined) return [];
  if (now === undefined) return [invalidValue(path, null, 'must not update from a positive integer to nil value')];
  return now > was ? [invalidValue(path, now, 'must be less than or equal to previous value')] : [];
}

function validateTolerationChange(now: Toleration[], was: Toleration[]): FieldError[] {
  const bare = ({ tolerationSeconds: _seconds, ...rest }: Toleration): object => rest;
  const kept = was.every((old) => now.some((toleration) => equalObjects(bare(toleration), bare(old))));
  return kept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function validateGateChange(spec: PodSpec, was: PodSpec): FieldError[] {
  const known = new Set((was.schedulingGates ?? []).map((gate) => gate.name));
  return (spec.schedulingGates ?? []).flatMap((gate, i) =>
    known.has(gate.name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${i}].name`,
            `only deletion is allowed, but found new scheduling gate '${gate.name}'`,
          ),
        ],
  );
}

/** The spec with all that may change taken from `was`, so that any difference left is forbidden. */
function withoutMutable(spec: PodSpec, was: PodSpec): PodSpec {
  const gated = (was.schedulingGates ?? []).length > 0;
  const out: PodSpec = {
    ...spec,
    activeDeadlineSeconds: was.activeDeadlineSeconds,
    tolerations: was.tolerations,
    schedulingGates: was.schedulingGates,
    // A pod that waits for its gates may still be told where to go.
    ...(gated ? { nodeSelector: was.nodeSelector, affinity: was.affinity } : {}),
    containers: (spec.containers ?? []).map((container, i) => ({ ...container, image: was.containers[i]?.image })),
    initContainers: (spec.initContainers ?? []).map((container, i) => ({
      ...container,
      image: was.initContainers?.[i]?.image,
    })),
  };
  if ((was.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1)
    out.terminationGracePeriodSeconds = was.terminationGracePeriodSeconds;
  return out;
}

/** What changed, field by field, in the place where the real server prints a diff. */
function changedFields(now: PodSpec, was: PodSpec): string {
  const keys = new Set([...Object.keys(now), ...Object.keys(was)]) as Set<keyof PodSpec>;
  return [...keys]
    .filter((key) => !equalObjects(now[key], was[key]))
    .map((key) => `- ${key}: ${JSON.stringify(was[key])}\n+ ${key}: ${JSON.stringify(now[key])}`)
    .join('\n');
}
