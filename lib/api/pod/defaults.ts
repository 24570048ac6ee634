// Decides what an unset field of a pod spec means, for pods and for every pod template. Never touches what is set and never
// does admission's work (tolerations, service account token, priority).
import { ownValue } from '../../base/records.ts';
import type {
  Container,
  EphemeralContainer,
  Lifecycle,
  LifecycleHandler,
  PodSpec,
  Probe,
  Volume,
} from '../generated/types.ts';
import { roundUpToMilli } from '../quantity.ts';

/** Sets `object[key]` when it is absent, null, or an empty text or zero that stands for absent. */
export function fill<T extends object, K extends keyof T>(object: T, key: K, value: NonNullable<T[K]>): void {
  const now = object[key];
  if (now === undefined || now === null || now === '') object[key] = value;
}

/** The same for numbers whose zero means "not given". */
function fillNumber<T extends object, K extends keyof T>(object: T, key: K, value: NonNullable<T[K]>): void {
  if (object[key] === 0) object[key] = value;
  else fill(object, key, value);
}

/** Defaults of templates and pods alike. */
export function defaultPodSpec(spec: PodSpec): void {
  fill(spec, 'restartPolicy', 'Always');
  fill(spec, 'dnsPolicy', 'ClusterFirst');
  fill(spec, 'schedulerName', 'default-scheduler');
  fill(spec, 'terminationGracePeriodSeconds', 30);
  fill(spec, 'securityContext', {});
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  roundUp(spec.overhead);
}

/** What pods get and templates do not. */
export function defaultPodOnly(spec: PodSpec): void {
  fill(spec, 'enableServiceLinks', true);
  // A negative one is of old, when it meant none.
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    requestsFromLimits(container);
    if (spec.hostNetwork === true)
      for (const port of container.ports ?? []) fillNumber(port, 'hostPort', port.containerPort);
  }
}

function requestsFromLimits(container: Container): void {
  const limits = container.resources?.limits;
  if (limits === undefined || Object.keys(limits).length === 0) return;
  const requests = (container.resources!.requests ??= {});
  for (const [name, limit] of Object.entries(limits)) requests[name] = ownValue(requests, name) ?? limit;
}

function defaultContainer(container: Container | EphemeralContainer): void {
  fill(container, 'terminationMessagePath', '/dev/termination-log');
  fill(container, 'terminationMessagePolicy', 'File');
  fill(container, 'imagePullPolicy', pullPolicyOf(container.image ?? ''));
  fill(container, 'resources', {});
  roundUp(container.resources!.limits);
  roundUp(container.resources!.requests);
  for (const port of container.ports ?? []) fill(port, 'protocol', 'TCP');
  for (const variable of container.env ?? []) {
    const source = variable.valueFrom;
    if (source?.fieldRef !== undefined) fill(source.fieldRef, 'apiVersion', 'v1');
    if (source?.fileKeyRef !== undefined) fill(source.fileKeyRef, 'optional', false);
    if (source?.resourceFieldRef !== undefined) fill(source.resourceFieldRef, 'divisor', '0');
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) defaultProbe(probe);
  defaultLifecycle(container.lifecycle);
}

function defaultProbe(probe: Probe | undefined): void {
  if (probe === undefined) return;
  fillNumber(probe, 'timeoutSeconds', 1);
  fillNumber(probe, 'periodSeconds', 10);
  fillNumber(probe, 'successThreshold', 1);
  fillNumber(probe, 'failureThreshold', 3);
  defaultHandler(probe);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function defaultLifecycle(lifecycle: Lifecycle | undefined): void {
  defaultHandler(lifecycle?.postStart);
  defaultHandler(lifecycle?.preStop);
}

function defaultHandler(handler: LifecycleHandler | Probe | undefined): void {
  if (handler?.httpGet === undefined) return;
  fill(handler.httpGet, 'path', '/');
  fill(handler.httpGet, 'scheme', 'HTTP');
}

const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const DOMAIN = '(?:[^/]*[A-Z.:][^/]*|localhost)';
const REFERENCE = new RegExp(
  `^(?:(${DOMAIN})/)?(${PART}(?:/${PART})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);
const LONGEST_NAME = 255;
/** Name, tag and digest; what is longer is not even looked at: the expression takes the square of the length. */
const LONGEST_REFERENCE = 1_024;

/** Always for `:latest` and for images with neither tag nor digest, else IfNotPresent, also for what is no image's name. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const [, domain, path = '', tag, digest] = (image.length <= LONGEST_REFERENCE && REFERENCE.exec(image)) || [];
  if (path === '' || path.length + (domain?.length ?? 'docker.io/library/'.length) > LONGEST_NAME)
    return 'IfNotPresent';
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}

function roundUp(resources: Record<string, string> | undefined): void {
  for (const [name, value] of Object.entries(resources ?? {})) resources![name] = roundUpToMilli(value);
}

function defaultVolume(volume: Volume): void {
  const sources = Object.entries(volume).filter(
    ([key, value]) => key !== 'name' && value !== undefined && value !== null,
  );
  if (sources.length === 0) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected])
    if (source !== undefined) fill(source, 'defaultMode', 420);
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  for (const item of volume.downwardAPI?.items ?? [])
    if (item.fieldRef !== undefined) fill(item.fieldRef, 'apiVersion', 'v1');
  for (const source of volume.projected?.sources ?? []) {
    for (const item of source.downwardAPI?.items ?? [])
      if (item.fieldRef !== undefined) fill(item.fieldRef, 'apiVersion', 'v1');
    if (source.serviceAccountToken !== undefined) fill(source.serviceAccountToken, 'expirationSeconds', 3600);
    if (source.podCertificate !== undefined) fill(source.podCertificate, 'maxExpirationSeconds', 86_400);
  }
  if (volume.ephemeral?.volumeClaimTemplate?.spec !== undefined)
    fill(volume.ephemeral.volumeClaimTemplate.spec, 'volumeMode', 'Filesystem');
  if (volume.image !== undefined) fill(volume.image, 'pullPolicy', pullPolicyOf(volume.image.reference ?? ''));
  defaultNetworkDisk(volume);
}

/** Drivers of old, kept because their defaults are part of the API; PersistentVolumes have them too. */
export function defaultNetworkDisk(source: Pick<Volume, 'iscsi' | 'rbd' | 'azureDisk' | 'scaleIO'>): void {
  if (source.iscsi !== undefined) fill(source.iscsi, 'iscsiInterface', 'default');
  if (source.rbd !== undefined) {
    fill(source.rbd, 'pool', 'rbd');
    fill(source.rbd, 'user', 'admin');
    fill(source.rbd, 'keyring', '/etc/ceph/keyring');
  }
  if (source.azureDisk !== undefined) {
    fill(source.azureDisk, 'cachingMode', 'ReadWrite');
    fill(source.azureDisk, 'fsType', 'ext4');
    fill(source.azureDisk, 'readOnly', false);
    fill(source.azureDisk, 'kind', 'Shared');
  }
  if (source.scaleIO !== undefined) {
    fill(source.scaleIO, 'storageMode', 'ThinProvisioned');
    fill(source.scaleIO, 'fsType', 'xfs');
  }
}
