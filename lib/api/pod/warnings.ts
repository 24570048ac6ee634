// Decides what whoever writes a pod, or a template of one, is warned of: what stands, but does not do what it looks like. Never
// refuses anything.
import { ownValue } from '../../base/records.ts';
import type { Container, PodSpec } from '../generated/types.ts';
import { NANO, quantityOf } from '../quantity.ts';

const INTO_BYTES = ['memory', 'ephemeral-storage'];
const GONE_VOLUMES: Record<string, string> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};
const OLD_LABELS: Record<string, string> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** Amounts that are bytes have no parts. `path` is the list's. */
export function fractionWarnings(
  amounts: Readonly<Record<string, string>> | undefined,
  path: string,
  names: readonly string[] = INTO_BYTES,
): string[] {
  return names.flatMap((name) => {
    const amount = ownValue(amounts, name);
    return amount === undefined || quantityOf(amount).nanos % NANO === 0n
      ? []
      : [`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`];
  });
}

/** `path` is the spec's: `spec`, or `spec.template.spec`. */
export function podWarnings(spec: PodSpec | undefined, path: string): string[] {
  if (spec === undefined) return [];
  const containers = [
    ...(spec.initContainers ?? []).map((container, i) => [container, `${path}.initContainers[${i}]`] as const),
    ...(spec.containers ?? []).map((container, i) => [container, `${path}.containers[${i}]`] as const),
  ];
  return [
    ...labelWarnings(spec, path),
    ...volumeWarnings(spec, path),
    ...repeated(spec.hostAliases ?? [], 'ip', `${path}.hostAliases`),
    ...repeated(spec.imagePullSecrets ?? [], 'name', `${path}.imagePullSecrets`),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, i) =>
      name ? [] : [`${path}.imagePullSecrets[${i}].name: invalid empty name ""`],
    ),
    ...fractionWarnings(spec.overhead, `${path}.overhead`),
    ...containers.flatMap(([container, at]) => containerWarnings(container, at)),
    ...portWarnings(containers),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
  ];
}

function labelWarnings(spec: PodSpec, path: string): string[] {
  const warnings = Object.keys(spec.nodeSelector ?? {}).flatMap((key) =>
    ownValue(OLD_LABELS, key) === undefined ? [] : [`${path}.nodeSelector[${key}]: ${OLD_LABELS[key]}`],
  );
  (spec.topologySpreadConstraints ?? []).forEach(({ topologyKey, labelSelector }, i) => {
    const at = `${path}.topologySpreadConstraints[${i}]`;
    const old = ownValue(OLD_LABELS, topologyKey);
    if (old !== undefined) warnings.push(`${at}.topologyKey: ${topologyKey} is ${old}`);
    if (labelSelector === undefined)
      warnings.push(`${at}.labelSelector: a null labelSelector results in matching no pod`);
  });
  return warnings;
}

function volumeWarnings(spec: PodSpec, path: string): string[] {
  return (spec.volumes ?? []).flatMap((volume, i) => {
    const at = `${path}.volumes[${i}]`;
    const { requests, limits } = volume.ephemeral?.volumeClaimTemplate?.spec?.resources ?? {};
    const claim = `${at}.ephemeral.volumeClaimTemplate.spec.resources`;
    return [
      ...Object.keys(GONE_VOLUMES)
        .filter((source) => volume[source as keyof typeof volume] !== undefined)
        .map((source) => `${at}.${source === 'storageos' ? 'storageOS' : source}: ${GONE_VOLUMES[source]}`),
      ...fractionWarnings(requests, `${claim}.requests`, ['storage']),
      ...fractionWarnings(limits, `${claim}.limits`, ['storage']),
    ];
  });
}

function repeated<T extends object>(items: readonly T[], field: keyof T & string, path: string): string[] {
  const seen = new Set<unknown>();
  return items.flatMap((item, i) => {
    const value = item[field] ?? '';
    if (seen.has(value)) return [`${path}[${i}].${field}: duplicate ${field} ${JSON.stringify(value)}`];
    seen.add(value);
    return [];
  });
}

function containerWarnings({ resources, env = [] }: Container, path: string): string[] {
  const warnings = INTO_BYTES.flatMap((name) => [
    ...fractionWarnings(resources?.limits, `${path}.resources.limits`, [name]),
    ...fractionWarnings(resources?.requests, `${path}.resources.requests`, [name]),
  ]);
  const seen = new Set<string>();
  env.forEach(({ name, value = '', valueFrom }, i) => {
    const reference = `$(${name})`;
    // One that adds to what was there before hides nothing.
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
    if (seen.has(name) && hides)
      warnings.push(
        `${path}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
      );
    seen.add(name);
  });
  return warnings;
}

function portWarnings(containers: ReadonlyArray<readonly [Container, string]>): string[] {
  const ports = containers.flatMap(([{ ports: own = [] }, path]) =>
    own.map((port, i) => ({
      ...port,
      hostPort: port.hostPort ?? 0,
      hostIP: port.hostIP ?? '',
      at: `${path}.ports[${i}]`,
    })),
  );
  const numbers = ports.flatMap((port, i) =>
    ports.slice(0, i).flatMap((other) => {
      if (port.containerPort !== other.containerPort || port.protocol !== other.protocol) return [];
      const told = (what: string): string[] => [`${port.at}: ${what} port definition with ${other.at}`];
      if (port.hostIP === other.hostIP && port.hostPort === other.hostPort) return told('duplicate');
      if (port.hostPort === 0 || other.hostPort === 0) return told('overlapping');
      const isVague = (port.hostIP === '') !== (other.hostIP === '');
      return port.hostPort === other.hostPort && isVague ? told('dangerously ambiguous') : [];
    }),
  );
  const names = ports.flatMap((port, i) => {
    const first = ports.slice(0, i).find((other) => port.name && other.name === port.name)?.at;
    const told = `duplicate port name ${JSON.stringify(port.name)} with ${first}, services and probes that select ports by name will use ${first}`;
    return first === undefined ? [] : [`${port.at}: ${told}`];
  });
  return [...numbers, ...names];
}
