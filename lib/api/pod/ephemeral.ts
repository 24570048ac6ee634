// Decides which ephemeral containers a running pod may be given: only more of them, each unchanged afterwards, and
// nothing in them that promises to be kept alive or served. Never starts one.
import { equalObjects } from '../equality.ts';
import { duplicate, forbidden, notFoundValue, type FieldError } from '../field-error.ts';
import type { Container, Pod, PodSpec, Volume } from '../generated/types.ts';
import { podContextOf, validateContainer, validateImage } from './validate-container.ts';

const LIST = 'spec.ephemeralContainers';
const NOT_FOR_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;
const REFUSED = 'cannot be set for an Ephemeral Container';

export function validateEphemeralContainers(pod: Pod, old: Pod): FieldError[] {
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return [...validateEphemeralList(pod.spec, volumes), ...validateKept(pod, old)];
}

/** Templates may have none, but what is in one is told all the same. */
export function validateEphemeralList(spec: PodSpec, volumes: ReadonlyMap<string, Volume>): FieldError[] {
  const others = new Set([...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  const ctx = podContextOf(spec, volumes);
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const path = `${LIST}[${i}]`;
    const target = container.targetContainerName ?? '';
    const errors = [
      ...validateContainer(container as Container, path, ctx),
      ...validateImage(container as Container, path),
      ...(names.has(container.name) ? [duplicate(`${path}.name`, container.name)] : []),
      ...(target !== '' && !others.has(target) ? [notFoundValue(`${path}.targetContainerName`, target)] : []),
      ...NOT_FOR_EPHEMERAL.filter((field) => isSet(container[field])).map((field) =>
        forbidden(`${path}.${field}`, REFUSED),
      ),
      ...(container.volumeMounts ?? []).flatMap((mount, j) =>
        (['subPath', 'subPathExpr'] as const).flatMap((field) =>
          mount[field] ? [forbidden(`${path}.volumeMounts[${j}].${field}`, REFUSED)] : [],
        ),
      ),
    ];
    names.add(container.name);
    return errors;
  });
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
