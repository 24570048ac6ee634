// Decides whether the environment of a container may stand: names, sources, and what the downward API may name. Never looks
// at what a source holds.
import { invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { configKey, dns1123Subdomain, envName, qualifiedName } from '../formats.ts';
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../generated/types.ts';

const MORE_THAN_ONE = 'may not have more than one field specified at a time';

export function validateEnv(variable: EnvVar, path: string): FieldError[] {
  const errors = !variable.name
    ? [required(`${path}.name`)]
    : envName(variable.name).map((told) => invalidValue(`${path}.name`, variable.name, told));
  const source = variable.valueFrom;
  if (source === undefined) return errors;
  const at = `${path}.valueFrom`;
  const given = Object.values(source).filter((value) => value !== undefined).length;
  errors.push(...validateEnvSource(source, at));
  if (given === 0)
    errors.push(
      invalidValue(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
    );
  else if (variable.value) errors.push(invalidValue(at, '', 'may not be specified when `value` is not empty'));
  else if (given > 1) errors.push(invalidValue(at, '', MORE_THAN_ONE));
  return errors;
}

function validateEnvSource(source: EnvVarSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (source.fieldRef !== undefined) errors.push(...validateFieldRef(source.fieldRef, `${path}.fieldRef`, ENV_FIELDS));
  if (source.resourceFieldRef !== undefined)
    errors.push(...validateResourceFieldRef(source.resourceFieldRef, `${path}.resourceFieldRef`));
  for (const field of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = source[field];
    if (ref === undefined) continue;
    const at = `${path}.${field}`;
    errors.push(...dns1123Subdomain(ref.name ?? '').map((told) => invalidValue(`${at}.name`, ref.name ?? '', told)));
    if (!ref.key) errors.push(required(`${at}.key`));
    else errors.push(...configKey(ref.key).map((told) => invalidValue(`${at}.key`, ref.key, told)));
  }
  return errors;
}

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** What a path may name at all; which of them, its place says. */
const CONVERTIBLE = new Set([
  ...ENV_FIELDS,
  'metadata.annotations',
  'metadata.labels',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

/** Downward API paths: the fields named, or one label or annotation. */
export function validateFieldRef(
  { apiVersion = '', fieldPath = '' }: ObjectFieldSelector,
  path: string,
  supported: readonly string[],
): FieldError[] {
  const at = `${path}.fieldPath`;
  if (apiVersion === '') return [required(`${path}.apiVersion`)];
  if (fieldPath === '') return [required(at)];
  const unconvertible = (why: string): FieldError[] => [
    invalidValue(at, fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== 'v1') return unconvertible(`unsupported pod version: ${apiVersion}`);
  const [, field = '', key = ''] = /^(.*)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (field !== '') {
    if (field !== 'metadata.annotations' && field !== 'metadata.labels')
      return unconvertible(`field label does not support subscript: ${fieldPath}`);
    return qualifiedName(field === 'metadata.labels' ? key : key.toLowerCase()).map((told) =>
      invalidValue(path, field === 'metadata.labels' ? key : key.toLowerCase(), told),
    );
  }
  if (supported.includes(fieldPath)) return [];
  // The older name of one of them.
  if (fieldPath === 'spec.host') return [notSupported(at, 'spec.nodeName', supported.toSorted())];
  return CONVERTIBLE.has(fieldPath)
    ? [notSupported(at, fieldPath, supported.toSorted())]
    : unconvertible(`field label not supported: ${fieldPath}`);
}

const RESOURCE_FIELDS = ['cpu', 'ephemeral-storage', 'memory']
  .flatMap((name) => [`limits.${name}`, `requests.${name}`])
  .toSorted();
const BYTES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** In a volume the container must be named. */
export function validateResourceFieldRef(ref: ResourceFieldSelector, path: string, inVolume = false): FieldError[] {
  const { resource = '' } = ref;
  const isKnown = RESOURCE_FIELDS.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource);
  const errors: FieldError[] = [];
  if (inVolume && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (resource === '') errors.push(required(`${path}.resource`));
  else if (!isKnown) errors.push(notSupported(`${path}.resource`, resource, RESOURCE_FIELDS));
  return [...errors, ...validateDivisor(ref, path)];
}

function validateDivisor({ resource = '', divisor = '0' }: ResourceFieldSelector, path: string): FieldError[] {
  const name = /^(?:limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)$/.exec(resource)?.[1];
  if (name === undefined || divisor === '0') return [];
  const allowed = name === 'cpu' ? ['1m', '1'] : BYTES;
  if (allowed.includes(divisor)) return [];
  const told = name === 'cpu' ? '1m and 1' : BYTES.join(', ');
  const noun = { cpu: 'cpu', memory: 'memory', 'ephemeral-storage': 'local ephemeral storage' }[name] ?? 'hugepages';
  return [
    invalidValue(`${path}.divisor`, resource, `only divisor's values ${told} are supported with the ${noun} resource`),
  ];
}

/** `listPath` is where the real server tells of a source that is missing or too many. */
export function validateEnvFrom(source: EnvFromSource, path: string, listPath: string): FieldError[] {
  const errors = source.prefix
    ? envName(source.prefix).map((told) => invalidValue(`${path}.prefix`, source.prefix, told))
    : [];
  for (const field of ['configMapRef', 'secretRef'] as const) {
    const ref = source[field];
    if (ref === undefined) continue;
    if (!ref.name) errors.push(required(`${path}.${field}.name`));
    // A name that goes on would still be one.
    else
      errors.push(
        ...dns1123Subdomain(ref.name.replace(/.-$/, 'a')).map((told) =>
          invalidValue(`${path}.${field}.name`, ref.name, told),
        ),
      );
  }
  const given = [source.configMapRef, source.secretRef].filter((ref) => ref !== undefined).length;
  if (given === 0) errors.push(invalidValue(listPath, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (given > 1) errors.push(invalidValue(listPath, '', MORE_THAN_ONE));
  return errors;
}
