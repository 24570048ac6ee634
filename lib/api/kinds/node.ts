// Decides what a Node is: allocatable from capacity, taints, pod ranges that stay, its line in a table. Never decides
// whether one is healthy (the node controller).
import { ageOf } from '../age.ts';
import { duplicate, forbidden, GoText, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { TAINT_EFFECTS } from '../pod/validate-scheduling.ts';
import { cidr, isIPv4, labelValue, qualifiedName } from '../formats.ts';
import type { Node } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { validateAmount } from '../pod/validate-resources.ts';

function validateTaints(node: Node): FieldError[] {
  const seen = new Set<string>();
  return (node.spec?.taints ?? []).flatMap((taint, i) => {
    const path = `metadata.taints[${i}]`;
    const errors = qualifiedName(taint.key).map((told) => invalidValue(`${path}.key`, taint.key, told));
    const problems = labelValue(taint.value ?? '');
    if (problems.length > 0) errors.push(invalidValue(`${path}.value`, taint.value, problems.join(';')));
    if (!taint.effect) errors.push(required(`${path}.effect`));
    else if (!TAINT_EFFECTS.includes(taint.effect))
      errors.push(notSupported(`${path}.effect`, taint.effect, TAINT_EFFECTS));
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair)) {
      const error = duplicate(path, taint);
      errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
    }
    seen.add(pair);
    return errors;
  });
}

/** The real server names the resource as if it were a field. */
function validateAmounts({ status }: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((field) =>
    Object.entries(status?.[field] ?? {}).flatMap(([name, amount]) =>
      validateAmount(name, amount, `status.${field}.${name}`),
    ),
  );
}

function validatePodRanges(node: Node): FieldError[] {
  const ranges = node.spec?.podCIDRs ?? [];
  const errors = ranges.flatMap((range, i) =>
    cidr(range).map((told) => invalidValue(`spec.podCIDRs[${i}]`, range, told)),
  );
  const families = new Set(ranges.map((range) => isIPv4(range.split('/')[0]!)));
  if (errors.length === 0 && families.size < ranges.length)
    errors.push(
      invalidValue('spec.podCIDRs', GoText.strings(ranges), 'may specify no more than one CIDR for each IP family'),
    );
  return errors;
}

function validateFixed(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  const was = old.spec?.podCIDRs ?? [];
  if (was.length > 0 && JSON.stringify(node.spec?.podCIDRs ?? []) !== JSON.stringify(was))
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  if (old.spec?.providerID && node.spec?.providerID !== old.spec.providerID)
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  return errors;
}

function validateAddresses(node: Node): FieldError[] {
  const seen = new Set<string>();
  return (node.status?.addresses ?? []).flatMap((address, i) => {
    const key = `${address.type}/${address.address}`;
    if (seen.has(key)) return [duplicate(`status.addresses[${i}]`, address)];
    seen.add(key);
    return [];
  });
}

function statusText(node: Node): string {
  const ready = (node.status?.conditions ?? []).find((condition) => condition.type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

/** `node-role.kubernetes.io/NAME` and the older `kubernetes.io/role=NAME`. */
function rolesText(node: Node): string {
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith('node-role.kubernetes.io/')) return [key.slice('node-role.kubernetes.io/'.length)];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return [...new Set(roles.filter((role) => role !== ''))].toSorted().join(',') || '<none>';
}

const addressOf = (node: Node, type: string): string =>
  (node.status?.addresses ?? []).find((address) => address.type === type)?.address ?? '<none>';

export const node = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  keepsStatusOnCreate: true,
  default(object) {
    const { status, spec } = object;
    if (status?.capacity !== undefined && status.allocatable === undefined) status.allocatable = { ...status.capacity };
    // The older field wins where the two disagree.
    if (spec?.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
    else if (spec?.podCIDRs?.[0] !== undefined && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0];
  },
  validate: (object) => [...validateTaints(object), ...validateAmounts(object), ...validatePodRanges(object)],
  validateUpdate: validateFixed,
  validateStatusUpdate: (object) => [...validateAmounts(object), ...validateAddresses(object)],
  warnings: ({ spec }) =>
    spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : [],
  cells(object, now) {
    const info = object.status?.nodeInfo;
    return [
      object.metadata.name,
      statusText(object),
      rolesText(object),
      ageOf(object.metadata.creationTimestamp, now),
      info?.kubeletVersion ?? '',
      addressOf(object, 'InternalIP'),
      addressOf(object, 'ExternalIP'),
      info?.osImage || '<unknown>',
      info?.kernelVersion || '<unknown>',
      info?.containerRuntimeVersion || '<unknown>',
    ];
  },
  fields: { 'spec.unschedulable': (object) => String(object.spec?.unschedulable === true) },
});
