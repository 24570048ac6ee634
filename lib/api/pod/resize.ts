// Decides how the resources of a pod's containers may change while it lives: cpu and memory alone, within its class of service,
// where its node can do it. Never gives a container anything.
import { ownValue } from '../../base/records.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, type FieldError } from '../field-error.ts';
import type { Container, Pod, PodSpec } from '../generated/types.ts';
import { compareQuantities } from '../quantity.ts';
import { qosClassOf } from './qos.ts';
import { validateResources } from './validate-resources.ts';

const LISTS = ['containers', 'initContainers'] as const;
const RESIZABLE = new Set(['cpu', 'memory']);
const MIRROR = 'kubernetes.io/config.mirror';

/** The old spec with the resources that are wanted; with the wanted containers where those are others. */
export function resizedSpec(wanted: PodSpec, old: PodSpec): PodSpec {
  const isSameList = (list: (typeof LISTS)[number]): boolean =>
    (wanted[list] ?? []).length === (old[list] ?? []).length;
  const spec = structuredClone(old);
  for (const list of LISTS) {
    const containers = wanted[list] ?? [];
    if (!LISTS.every(isSameList)) spec[list] = structuredClone(containers);
    else
      spec[list]?.forEach((container, i) => {
        container.name = containers[i]!.name;
        const { resources } = containers[i]!;
        if (resources === undefined) delete container.resources;
        else container.resources = structuredClone(resources);
      });
  }
  return spec;
}

export function validateResize(pod: Pod, old: Pod): FieldError[] {
  const moved = LISTS.flatMap((list) => sameContainers(pod.spec[list] ?? [], old.spec[list] ?? [], `spec.${list}`));
  if (moved.length > 0) return moved;
  const errors: FieldError[] = [];
  if (old.metadata.annotations?.[MIRROR] !== undefined) errors.push(forbidden('spec', 'static pods cannot be resized'));
  if (!isSupported(old)) errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  for (const list of LISTS)
    (pod.spec[list] ?? []).forEach((container, i) =>
      errors.push(...validateOne(container, old.spec[list]![i]!, `spec.${list}[${i}]`, list === 'initContainers')),
    );
  const [now, was] = [qosClassOf(pod.spec), qosClassOf(old.spec)];
  if (now !== was) errors.push(invalidValue('spec', now, 'Pod QOS Class may not change as a result of resizing'));
  return errors;
}

function sameContainers(now: readonly Container[], was: readonly Container[], path: string): FieldError[] {
  if (now.length !== was.length)
    return [forbidden(path, `${path.slice('spec.'.length)} may not be added or removed on resize`)];
  return now.every(({ name }, i) => name === was[i]!.name)
    ? []
    : [forbidden(path, `${path.slice('spec.'.length)} may not be renamed or reordered on resize`)];
}

/** A kubelet that can resize tells what each container has. */
function isSupported({ status }: Pod): boolean {
  return (status?.containerStatuses ?? []).every(
    ({ state, resources }) => state?.running === undefined || resources !== undefined,
  );
}

function validateOne(now: Container, was: Container, path: string, isInit: boolean): FieldError[] {
  if (equalObjects(now.resources ?? {}, was.resources ?? {})) return [];
  const at = `${path}.resources`;
  if (isInit && was.restartPolicy !== 'Always')
    return [forbidden(at, 'resources for non-sidecar init containers are immutable')];
  const errors = validateResources(now.resources, at, new Set((now.resources?.claims ?? []).map(({ name }) => name)));
  for (const side of ['limits', 'requests'] as const)
    for (const [name, amount] of Object.entries(was.resources?.[side] ?? {}))
      if (ownValue(now.resources?.[side], name) === undefined && RESIZABLE.has(name))
        errors.push(forbidden(`${at}.${side}`, `resource ${side} cannot be removed`));
      else if (
        side === 'limits' &&
        name === 'memory' &&
        compareQuantities(now.resources!.limits!['memory']!, amount) < 0 &&
        !restartsFor(was, name)
      )
        errors.push(
          forbidden(`${at}.limits`, 'memory limits cannot be decreased unless resizePolicy is RestartContainer'),
        );
  if (!equalObjects(fixed(now), fixed(was)))
    errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
  return errors;
}

const restartsFor = ({ resizePolicy = [] }: Container, resource: string): boolean =>
  resizePolicy.some(
    ({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === 'RestartContainer',
  );

/** What of a container's resources stays as it is. */
function fixed({ resources = {} }: Container): object {
  const others = (amounts: Record<string, string> = {}): object =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => !RESIZABLE.has(name)));
  return { limits: others(resources.limits), requests: others(resources.requests), claims: resources.claims ?? [] };
}
