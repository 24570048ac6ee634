// Decides whether the environment of a container may stand: names, sources, and what the downward API may name. Never looks
// at what a source holds.
import { invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { configKey, dns1123Subdomain, envName, qualifiedName } from '../formats.ts';
import type { EnvFromSource, EnvVar, EnvVarSource } from '../generated/types.ts';

export function validateEnv(variable: EnvVar, path: string): FieldError[] {
  const errors = !variable.name
    ? [required(`${path}.name`)]
    : envName(variable.name).map((told) => invalidValue(`${path}.name`, variable.name, told));
  const source = variable.valueFrom;
  if (source === undefined) return errors;
  const at = `${path}.valueFrom`;
  const given = Object.values(source).filter((value) => value !== undefined).length;
  if (given === 0)
    errors.push(
      invalidValue(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
    );
  if (variable.value) errors.push(invalidValue(at, '', 'may not be specified when `value` is not empty'));
  if (given > 1) errors.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
  return [...errors, ...validateEnvSource(source, at)];
}

function validateEnvSource(source: EnvVarSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (source.fieldRef !== undefined)
    errors.push(...validateFieldRef(source.fieldRef.fieldPath, `${path}.fieldRef`, ENV_FIELDS));
  if (source.resourceFieldRef !== undefined)
    errors.push(...validateResourceFieldRef(source.resourceFieldRef, `${path}.resourceFieldRef`));
  for (const field of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = source[field];
    if (ref === undefined) continue;
    errors.push(
      ...(ref.name
        ? dns1123Subdomain(ref.name).map((told) => invalidValue(`${path}.${field}.name`, ref.name, told))
        : []),
    );
    if (!ref.key) errors.push(required(`${path}.${field}.key`));
    else errors.push(...configKey(ref.key).map((told) => invalidValue(`${path}.${field}.key`, ref.key, told)));
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

/** Downward API paths: the fields named, or one label or annotation. */
export function validateFieldRef(fieldPath: string, path: string, supported: readonly string[]): FieldError[] {
  if (!fieldPath) return [required(`${path}.fieldPath`)];
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null)
    return qualifiedName(subscript[1] === 'labels' ? subscript[2]! : subscript[2]!.toLowerCase()).map((told) =>
      invalidValue(path, subscript[2], told),
    );
  if (supported.includes(fieldPath)) return [];
  if (/^(metadata\.(name|namespace|uid|labels|annotations)|spec\.|status\.)/.test(fieldPath))
    return [notSupported(`${path}.fieldPath`, fieldPath, supported.toSorted())];
  return [
    invalidValue(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`),
  ];
}

const RESOURCE_FIELDS = ['cpu', 'ephemeral-storage', 'memory']
  .flatMap((name) => [`limits.${name}`, `requests.${name}`])
  .toSorted();
const DIVISORS: Record<string, string[]> = {
  cpu: ['1m', '1'],
  memory: ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'],
};

export function validateResourceFieldRef(
  ref: { resource: string; divisor?: string | undefined; containerName?: string | undefined },
  path: string,
): FieldError[] {
  if (!ref.resource) return [required(`${path}.resource`)];
  if (!RESOURCE_FIELDS.includes(ref.resource) && !/^(limits|requests)\.hugepages-/.test(ref.resource))
    return [notSupported(`${path}.resource`, ref.resource, RESOURCE_FIELDS)];
  if (ref.divisor === undefined || ref.divisor === '0') return [];
  const name = ref.resource.split('.')[1]!;
  const allowed = DIVISORS[name] ?? DIVISORS['memory']!;
  return allowed.includes(ref.divisor)
    ? []
    : [
        invalidValue(
          'divisor',
          ref.divisor,
          `only divisor's values ${allowed.join(', ').replace(/, ([^,]*)$/, ' and $1')} are supported with the ${name} resource`,
        ),
      ];
}

export function validateEnvFrom(source: EnvFromSource, path: string): FieldError[] {
  const errors = source.prefix
    ? envName(source.prefix).map((told) => invalidValue(`${path}.prefix`, source.prefix, told))
    : [];
  const given = [source.configMapRef, source.secretRef].filter((ref) => ref !== undefined);
  if (given.length === 0) errors.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (given.length > 1) errors.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  for (const field of ['configMapRef', 'secretRef'] as const) {
    const name = source[field]?.name;
    if (name) errors.push(...dns1123Subdomain(name).map((told) => invalidValue(`${path}.${field}.name`, name, told)));
  }
  return errors;
}
