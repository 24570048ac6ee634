// Decides which statuses of a pod may stand: addresses, conditions, and that what has ended stays so where nothing restarts it.
// Never looks at the spec but for what the status speaks of.
import { duplicate, forbidden, GoText, invalidValue, quoted, type FieldError } from '../field-error.ts';
import { dns1123Subdomain, ipAddress, isIPv4, qualifiedName } from '../formats.ts';
import type { ContainerStatus, Pod, PodStatus } from '../generated/types.ts';

const SYSTEM_CONDITIONS = new Set(['PodScheduled', 'Ready', 'Initialized']);
const ONE_OF_EACH = 'may specify no more than one IP for each IP family';

/** One address stands in two fields; where they differ, that of the older field counts. */
export function alignPodIPs(status: PodStatus): void {
  const { podIP = '', podIPs = [] } = status;
  if (podIP !== '' && podIPs[0]?.ip !== podIP) status.podIPs = [{ ip: podIP }];
  else if (podIP === '' && podIPs[0]?.ip) status.podIP = podIPs[0].ip;
}

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const { status = {} } = pod;
  const { status: was = {}, spec } = old;
  const errors = validateConditions(status);
  if (status.nominatedNodeName && status.nominatedNodeName !== was.nominatedNodeName)
    errors.push(
      ...dns1123Subdomain(status.nominatedNodeName).map((told) =>
        invalidValue('status.nominatedNodeName', status.nominatedNodeName, told),
      ),
    );
  if (was.qosClass && status.qosClass !== was.qosClass)
    errors.push(invalidValue('status.qosClass', status.qosClass, 'field is immutable'));
  const restartable = new Set(
    (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  return [
    ...errors,
    ...validateEnds(status, was, 'containerStatuses', spec.restartPolicy),
    ...validateEnds(status, was, 'initContainerStatuses', spec.restartPolicy, restartable),
    ...validateEnds(status, was, 'ephemeralContainerStatuses', 'Never'),
    ...validateClaims(pod),
    ...validateIPs('podIPs', status.podIPs ?? [], was.podIPs ?? []),
    ...validateHostIPs(status, was),
  ];
}

function validateConditions({ conditions = [] }: PodStatus): FieldError[] {
  return conditions.flatMap(({ type = '' }, i) =>
    SYSTEM_CONDITIONS.has(type)
      ? []
      : qualifiedName(type).map((told) => invalidValue(`status.conditions[${i}].Type`, type, told)),
  );
}

/** A status may not bring a finished container back when nothing restarts it. */
function validateEnds(
  now: PodStatus,
  was: PodStatus,
  list: 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses',
  restartPolicy: string | undefined,
  restartable: ReadonlySet<string> = new Set(),
): FieldError[] {
  if (restartPolicy === 'Always') return [];
  const statuses: ContainerStatus[] = was[list] ?? [];
  return statuses.flatMap(({ name, state }, i) => {
    const end = state?.terminated;
    if (end === undefined || restartable.has(name)) return [];
    if (end.exitCode !== 0 && restartPolicy === 'OnFailure') return [];
    return (now[list] ?? [])
      .filter((status) => status.name === name && status.state?.terminated === undefined)
      .map(() => forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'));
  });
}

function validateClaims({ spec, status }: Pod): FieldError[] {
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const seen = new Set<string>();
  return (status?.resourceClaimStatuses ?? []).flatMap(({ name }, i) => {
    const path = `status.resourceClaimStatuses[${i}].name`;
    const errors = claims.has(name)
      ? []
      : [invalidValue(path, name, 'must match the name of an entry in `spec.resourceClaims`')];
    if (seen.has(name)) errors.push(duplicate(path, name));
    seen.add(name);
    return errors;
  });
}

function validateHostIPs(now: PodStatus, was: PodStatus): FieldError[] {
  const [first] = now.hostIPs ?? [];
  if (first === undefined) return [];
  const { ip = '' } = first;
  return [
    ...(ip === (now.hostIP ?? '') ? [] : [invalidValue('status.hostIPs[0].ip', ip, 'must be equal to `hostIP`')]),
    ...validateIPs('hostIPs', now.hostIPs ?? [], was.hostIPs ?? []),
  ];
}

type Addresses = ReadonlyArray<{ ip?: string | undefined }>;

/** What stood there already may stay. */
function validateIPs(field: 'podIPs' | 'hostIPs', now: Addresses, was: Addresses): FieldError[] {
  const known = new Set(was.map(({ ip = '' }) => ip));
  const errors = now.flatMap(({ ip = '' }, i) =>
    known.has(ip) ? [] : ipAddress(ip).map((told) => invalidValue(`status.${field}[${i}]`, ip, told)),
  );
  if (now.length < 2 || errors.length > 0) return errors;
  const isDual = new Set(now.map(({ ip = '' }) => isIPv4(ip))).size === 2;
  return isDual && now.length === 2 ? errors : [invalidValue(`status.${field}`, printed(field, now), ONE_OF_EACH)];
}

function printed(field: 'podIPs' | 'hostIPs', addresses: Addresses): GoText {
  const type = field === 'podIPs' ? 'core.PodIP' : 'core.HostIP';
  return GoText.bare(`[]${type}{${addresses.map(({ ip = '' }) => `${type}{IP:${quoted(ip)}}`).join(', ')}}`);
}
