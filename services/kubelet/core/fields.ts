// Decides what a downward reference means: a field of the pod, or a resource of one of its containers. Never resolves
// config maps or secrets.
import { ownValue } from '../../../lib/base/records.ts';
import type { ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../../lib/api/generated/types.ts';
import { quantityOf } from '../../../lib/api/quantity.ts';
import { definitionOf } from './pod-state.ts';
import { configProblem } from './problem.ts';

/** What the kubelet knows of the pod before its status says so. */
export interface FieldSurroundings {
  pod: Pod;
  podIp: string;
  hostIp: string;
  nodeName: string;
  allocatable: { cpuMillis: number; memoryBytes: number };
}

/** Throws PodProblem. A label or annotation that is not there is empty. */
export function fieldValue(selector: ObjectFieldSelector, around: FieldSurroundings): string {
  const { metadata, spec } = around.pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(selector.fieldPath);
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? '';
  const fields: Record<string, () => string> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => mapText(metadata.labels),
    'metadata.annotations': () => mapText(metadata.annotations),
    'spec.nodeName': () => spec.nodeName ?? around.nodeName,
    'spec.serviceAccountName': () => spec.serviceAccountName ?? '',
    'status.hostIP': () => around.hostIp,
    'status.hostIPs': () => around.hostIp,
    'status.podIP': () => around.podIp,
    'status.podIPs': () => around.podIp,
  };
  const read = fields[selector.fieldPath];
  if (read === undefined) throw configProblem(`unsupported fieldPath: ${selector.fieldPath}`);
  return read();
}

/** One `key="value"` a line, in order of keys, as files of the downward API hold them. */
function mapText(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** In units of the divisor, rounded up. A limit that is not set is the node's. */
export function resourceValue(
  selector: ResourceFieldSelector,
  ownContainer: string,
  around: FieldSurroundings,
): string {
  const name = selector.containerName ?? ownContainer;
  const container = definitionOf(around.pod, name);
  if (container === undefined) throw configProblem(`container ${name} not found`);
  const [kind, resource = ''] = selector.resource.split(/\.(.*)/s) as [string, string?];
  if (kind !== 'limits' && kind !== 'requests')
    throw configProblem(`unsupported container resource: ${selector.resource}`);
  const asked = ownValue(container.resources?.[kind], resource);
  const nanos = asked === undefined ? nodeNanos(kind, resource, around) : quantityOf(asked).nanos;
  const divisor = quantityOf(selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor).nanos;
  return String((nanos + divisor - 1n) / divisor);
}

function nodeNanos(kind: string, resource: string, { allocatable }: FieldSurroundings): bigint {
  if (kind === 'requests') return 0n;
  if (resource === 'cpu') return BigInt(allocatable.cpuMillis) * 1_000_000n;
  return resource === 'memory' ? BigInt(allocatable.memoryBytes) * 1_000_000_000n : 0n;
}
