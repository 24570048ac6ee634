// Decides which kinds and parts of kinds this API serves: a kind whose promise nobody would keep is not offered. Never
// changes what a kind is.
import { KINDS, type Kind } from '../../../lib/api/kind.ts';

/** Objects of these groups would be stored and then obeyed by nobody: that looks like safety and is none. */
const UNSERVED_GROUPS = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'certificates.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'metrics.k8s.io',
  'resource.k8s.io',
  'storagemigration.k8s.io',
  // The same objects as core/v1 Events in another shape.
  'events.k8s.io',
]);
const UNSERVED_RESOURCES = new Set([
  'componentstatuses',
  'limitranges',
  'resourcequotas',
  'ipaddresses',
  'servicecidrs',
]);
const SERVED_SUBRESOURCES = new Set([
  'status',
  'scale',
  'finalize',
  'binding',
  'eviction',
  'token',
  'log',
  'exec',
  'attach',
]);

function isServed(kind: Kind): boolean {
  const { group, version, resource } = kind.ref;
  if (!/^v\d+$/.test(version) || UNSERVED_GROUPS.has(group) || UNSERVED_RESOURCES.has(resource)) return false;
  // One stored form: autoscaling/v2 is it.
  return !(group === 'autoscaling' && version === 'v1' && resource === 'horizontalpodautoscalers');
}

export const SERVED_KINDS: readonly Kind[] = KINDS.filter(isServed).map((kind) => ({
  ...kind,
  subresources: Object.fromEntries(Object.entries(kind.subresources).filter(([name]) => SERVED_SUBRESOURCES.has(name))),
}));

const BY_PATH = new Map(
  SERVED_KINDS.map((kind) => [`${kind.ref.group}/${kind.ref.version}/${kind.ref.resource}`, kind]),
);
const GROUP_VERSIONS = new Set(SERVED_KINDS.map((kind) => `${kind.ref.group}/${kind.ref.version}`));

export function servedKind(group: string, version: string, resource: string): Kind | undefined {
  return BY_PATH.get(`${group}/${version}/${resource}`);
}

export function servesGroupVersion(group: string, version: string): boolean {
  return GROUP_VERSIONS.has(`${group}/${version}`);
}
