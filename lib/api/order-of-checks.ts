// Decides how often, and in which order, an object is judged: a real server asks for metadata once for all kinds and once more in
// most kinds' own rules, for some objects as a whole twice, and tells each finding as often as it comes upon it (once in the
// text, each time in the causes). Never decides what is wrong.
import type { FieldError } from './field-error.ts';
import {
  validateMetadata,
  validateMetadataUpdate,
  validateShared,
  validateStandardFinalizers,
  type MetadataRule,
} from './metadata.ts';
import type { KubeObject } from './object.ts';

/**
 * One letter a time: `m` metadata with a name of any path segment, `n` with the kind's rule of names, `N` that finalizers must be
 * standard or have a domain, too; `u` what an update may not change, `U` with those finalizers; of an update, `w` the rest of
 * the object as a whole, and `c` what of it may not change.
 */
export interface Checks {
  /** Only where these, and the rules of the kind, find nothing is asked what is asked of all kinds. */
  create: string;
  /** What is asked of all kinds comes before these. */
  update: string;
  status: string;
}

const USUAL: Checks = { create: 'N', update: 'Uwc', status: 'U' };
/** Of the rules that are no part of upstream's core: they let any finalizer stand. */
const PLAIN: Checks = { create: 'n', update: 'uwc', status: 'u' };
const CUSTOM = PLAIN;
const change = (update: string): Checks => ({ ...USUAL, update });

/** By `group/Kind`, or `group` for all kinds of it that are not named. */
const CHECKS: Readonly<Record<string, Checks>> = {
  '/ConfigMap': change('UcNw'),
  '/Secret': change('UcNw'),
  '/Endpoints': change('UcNw'),
  '/Event': { create: '', update: 'wc', status: '' },
  '/LimitRange': change('Nwc'),
  '/Namespace': change('NwUc'),
  '/Node': change('NwUc'),
  '/PersistentVolume': change('NwNwc'),
  '/PersistentVolumeClaim': change('NwUNwc'),
  '/Pod': change('UNwc'),
  '/ReplicationController': change('NwUwc'),
  '/ServiceAccount': change('UcNw'),
  '/Service': change('UcNw'),
  'admissionregistration.k8s.io': { create: 'n', update: 'nwc', status: '' },
  'apiextensions.k8s.io': PLAIN,
  'apiregistration.k8s.io': { create: 'm', update: 'umwc', status: 'u' },
  'apps/ControllerRevision': change('UcNw'),
  'apps/DaemonSet': change('NwUwc'),
  'apps/ReplicaSet': change('NwUwc'),
  'batch/CronJob': { ...USUAL, status: '' },
  'batch/Job': change('NwUwc'),
  'certificates.k8s.io/CertificateSigningRequest': { create: 'N', update: 'NwUc', status: 'NU' },
  'coordination.k8s.io': PLAIN,
  'discovery.k8s.io': change('Nwc'),
  'flowcontrol.apiserver.k8s.io': change('Nwc'),
  'networking.k8s.io/Ingress': change('UcNw'),
  'networking.k8s.io/IngressClass': change('UcNw'),
  'networking.k8s.io/IPAddress': change('NwUc'),
  'networking.k8s.io/NetworkPolicy': change('NwUcw'),
  'networking.k8s.io/ServiceCIDR': change('Uc'),
  'node.k8s.io': { create: 'n', update: 'nwuc', status: '' },
  'policy/PodDisruptionBudget': { create: '', update: 'wc', status: '' },
  'rbac.authorization.k8s.io': change('NNUwc'),
  'storage.k8s.io/CSINode': change('NwNwc'),
  'storage.k8s.io/CSIStorageCapacity': change('NwUc'),
  'storage.k8s.io/StorageClass': change('NwUc'),
  'storage.k8s.io/VolumeAttachment': { create: 'N', update: 'NwNwc', status: 'NN' },
};

export const checksOf = (group: string, kind: string, isCustom: boolean): Checks =>
  isCustom ? CUSTOM : (CHECKS[`${group}/${kind}`] ?? CHECKS[group] ?? USUAL);

/** `own`: what is wrong by the rules of the kind but those of metadata. */
export function findingsOfNew(object: KubeObject, rule: MetadataRule, checks: Checks, own: FieldError[]): FieldError[] {
  const found = findingsOf(object, undefined, rule);
  if (found === undefined) return own;
  const errors = [...told(found, checks.create), ...own];
  return errors.length > 0 ? errors : told(found, 'm');
}

/** Nearly always there is nothing: each rule is asked once, and what it found is told as often as upstream does. */
export function findingsOfUpdate(
  object: KubeObject,
  old: KubeObject,
  rule: MetadataRule,
  checks: string,
  own: { whole: FieldError[]; changes: FieldError[] },
): FieldError[] {
  const found = findingsOf(object, old, rule) ?? NOTHING;
  if (found === NOTHING && own.whole.length + own.changes.length === 0) return own.changes;
  return told({ ...found, w: own.whole, c: own.changes }, `mu${checks}`);
}

/** By the letter of the check, in lower case. */
interface Findings {
  m: FieldError[];
  n: FieldError[];
  u: FieldError[];
  w?: FieldError[];
  c?: FieldError[];
  finalizers: FieldError[];
}

const NOTHING: Findings = { m: [], n: [], u: [], finalizers: [] };

function findingsOf(object: KubeObject, old: KubeObject | undefined, rule: MetadataRule): Findings | undefined {
  const shared = validateShared(object);
  const n = validateMetadata(object, rule, shared);
  const u = old === undefined ? [] : validateMetadataUpdate(object, old, shared);
  const finalizers = validateStandardFinalizers(object);
  if (n.length + u.length + finalizers.length === 0) return undefined;
  return { n, u, finalizers, m: validateMetadata(object, { ...rule, nameRule: 'pathSegment' }, shared) };
}

const told = (found: Findings, checks: string): FieldError[] =>
  [...checks].flatMap((check) => [
    ...(found[check.toLowerCase() as 'm' | 'n' | 'u' | 'w' | 'c'] ?? []),
    ...(check === check.toUpperCase() ? found.finalizers : []),
  ]);
