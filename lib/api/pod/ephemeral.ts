// Decides which ephemeral containers a running pod may be given: only more of them, each unchanged afterwards, and
// nothing in them that promises to be kept alive or served. Never starts one.
import { equalObjects } from '../equality.ts';
import { duplicate, forbidden, notFoundValue, type FieldError } from '../field-error.ts';
import type { Container, EphemeralContainer, Pod } from '../generated/types.ts';
import { podContextOf, validateContainer } from './validate-container.ts';

const LIST = 'spec.ephemeralContainers';
const NOT_FOR_EPHEMERAL = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resources',
  'resizePolicy',
  'restartPolicy',
] as const;

export function validateEphemeralContainers(pod: Pod, old: Pod): FieldError[] {
  return [...validateAll(pod), ...validateKept(pod, old)];
}

function validateAll({ spec }: Pod): FieldError[] {
  const others = new Set([...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  const ctx = podContextOf(spec, false);
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const path = `${LIST}[${i}]`;
    const target = container.targetContainerName ?? '';
    const errors = [
      ...validateContainer(bare(container), path, ctx, false),
      ...NOT_FOR_EPHEMERAL.filter((field) => isSet(container[field])).map((field) =>
        forbidden(`${path}.${field}`, 'cannot be set for an Ephemeral Container'),
      ),
      ...(container.name !== '' && names.has(container.name) ? [duplicate(`${path}.name`, container.name)] : []),
      ...(target !== '' && !others.has(target) ? [notFoundValue(`${path}.targetContainerName`, target)] : []),
      ...(container.volumeMounts ?? []).flatMap(({ subPath = '', subPathExpr = '' }, j) =>
        subPath === '' && subPathExpr === ''
          ? []
          : [forbidden(`${path}.volumeMounts[${j}].subPath`, 'cannot be set for an Ephemeral Container')],
      ),
    ];
    names.add(container.name);
    return errors;
  });
}

/** Without what it may not have: that is told once, in other words. */
function bare(container: EphemeralContainer): Container {
  const { targetContainerName: _, ...rest } = container;
  for (const field of NOT_FOR_EPHEMERAL) delete rest[field];
  return rest;
}

function isSet(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== undefined;
}

function validateKept(pod: Pod, old: Pod): FieldError[] {
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.spec.ephemeralContainers ?? []).flatMap((container) => {
    const kept = now.get(container.name);
    const name = JSON.stringify(container.name);
    if (kept === undefined) return [forbidden(LIST, `existing ephemeral containers ${name} may not be removed\n`)];
    return equalObjects(kept, container)
      ? []
      : [forbidden(LIST, `existing ephemeral containers ${name} may not be changed\n`)];
  });
}
