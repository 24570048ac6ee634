// Decides whether requests and limits may stand: names, signs, whole numbers, requests within limits. Never knows how much
// a node has.
import { ownValue } from '../../base/records.ts';
import {
  duplicate,
  forbidden,
  GoText,
  invalidValue,
  notFoundValue,
  notSupported,
  required,
  type FieldError,
} from '../field-error.ts';
import { dns1123Label, qualifiedName } from '../formats.ts';
import type { ResourceRequirements } from '../generated/types.ts';
import { NANO, compareQuantities, parseQuantity, quantityOf } from '../quantity.ts';

const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);
const POD_RESOURCES = ['cpu', 'memory'];
const COUNTED = `pods resourcequotas services replicationcontrollers secrets configmaps persistentvolumeclaims
  services.nodeports services.loadbalancers`.split(/\s+/);
const STANDARD_RESOURCES = new Set([
  ...['', 'requests.', 'limits.'].flatMap((prefix) => [...CONTAINER_RESOURCES].map((name) => prefix + name)),
  ...COUNTED,
  'storage',
  'requests.storage',
]);

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
/** Devices and the like: a domain of their own, never divided, never overcommitted. */
const isExtendedResource = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;
export const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);

/** What a name must be, beyond being one. */
type NameRule = (name: string, path: string) => FieldError[];

export function validateResources(
  resources: ResourceRequirements | undefined,
  path: string,
  claims: ReadonlySet<string> = new Set(),
  nameRule: NameRule = validateResourceName,
): FieldError[] {
  if (resources === undefined) return [];
  const { limits = {}, requests = {} } = resources;
  const errors: FieldError[] = [];
  for (const [name, quantity] of Object.entries(limits))
    errors.push(
      ...nameRule(name, `${path}.limits[${name}]`),
      ...validateAmount(name, quantity, `${path}.limits[${name}]`),
      ...validateHugePages(name, quantity, `${path}.limits[${name}]`),
    );
  for (const [name, quantity] of Object.entries(requests))
    errors.push(
      ...nameRule(name, `${path}.requests[${name}]`),
      ...validateAmount(name, quantity, `${path}.requests[${name}]`),
      ...validateAgainstLimit(name, quantity, ownValue(limits, name), path),
      ...validateHugePages(name, quantity, `${path}.requests[${name}]`),
    );
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  return [...errors, ...validateClaims(resources, path, claims)];
}

/** Those of a whole pod: fewer names, and no claims. */
export function validatePodResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  const claims =
    resources?.claims === undefined
      ? []
      : [forbidden(`${path}.claims`, 'claims cannot be set for Resources at pod-level')];
  return [...claims, ...validateResources(resources, path, new Set(), validatePodResourceName)];
}

/** Never less than none, and whole where it cannot be divided. */
export function validateAmount(name: string, quantity: string, path: string): FieldError[] {
  const { nanos } = quantityOf(quantity);
  const errors = nanos < 0n ? [invalidValue(path, quantity, 'must be greater than or equal to 0')] : [];
  if ((COUNTED.includes(name) || isExtendedResource(name)) && nanos % NANO !== 0n)
    errors.push(invalidValue(path, quantity, 'must be an integer'));
  return errors;
}

function validateHugePages(name: string, quantity: string, path: string): FieldError[] {
  if (!isHugePages(name)) return [];
  const size = parseQuantity(name.slice('hugepages-'.length))?.nanos ?? 0n;
  return size > 0n && size % NANO === 0n && quantityOf(quantity).nanos % size === 0n
    ? []
    : [invalidValue(path, quantity, `${quantity} is not positive integer multiple of ${name}`)];
}

export function validateStandardName(name: string, path: string): FieldError[] {
  const problems = qualifiedName(name);
  if (problems.length > 0) return problems.map((told) => invalidValue(path, GoText.bare(name), told));
  return name.includes('/') || STANDARD_RESOURCES.has(name) || isHugePages(name)
    ? []
    : [invalidValue(path, GoText.bare(name), 'must be a standard resource type or fully qualified')];
}

/** Names that a container may ask for. */
export function validateResourceName(name: string, path: string): FieldError[] {
  const errors = validateStandardName(name, path);
  if (!name.includes('/')) {
    if (!CONTAINER_RESOURCES.has(name) && !isHugePages(name))
      errors.push(invalidValue(path, GoText.bare(name), 'must be a standard resource for containers'));
  } else if (!isNative(name) && !isExtendedResource(name))
    errors.push(invalidValue(path, GoText.bare(name), "doesn't follow extended resource name standard"));
  return errors;
}

function validatePodResourceName(name: string, path: string): FieldError[] {
  const errors = validateStandardName(name, path);
  if (errors.length > 0 || POD_RESOURCES.includes(name) || isHugePages(name)) return errors;
  return [notSupported(path, GoText.bare(name), POD_RESOURCES)];
}

function validateAgainstLimit(name: string, request: string, limit: string | undefined, path: string): FieldError[] {
  const at = `${path}.requests`;
  if (limit === undefined)
    return mayOvercommit(name)
      ? []
      : [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')];
  const order = compareQuantities(request, limit);
  if (!mayOvercommit(name) && order !== 0)
    return [invalidValue(at, request, `must be equal to ${name} limit of ${limit}`)];
  return order > 0 ? [invalidValue(at, request, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}

function validateClaims(resources: ResourceRequirements, path: string, claims: ReadonlySet<string>): FieldError[] {
  const seen = new Set<string>();
  return (resources.claims ?? []).flatMap((claim, i) => {
    const at = `${path}.claims[${i}]`;
    const errors: FieldError[] = [];
    const { name = '', request = '' } = claim;
    if (name === '') return [required(at)];
    if (seen.has(name)) errors.push(duplicate(at, name));
    else {
      const key = request === '' ? name : `${name}/${request}`;
      if (request !== '')
        errors.push(...dns1123Label(request).map((told) => invalidValue(`${at}.request`, request, told)));
      if (seen.has(key)) errors.push(duplicate(at, key));
      else if (request === '')
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicate(at, name));
      seen.add(key);
    }
    if (claims.has(name)) return errors;
    const names = claims.size === 0 ? ' which is empty' : `: ${[...claims].toSorted().join(', ')}`;
    const missing = notFoundValue(at, name);
    return [
      ...errors,
      { ...missing, message: `${missing.message}: must be one of the names in pod.spec.resourceClaims${names}` },
    ];
  });
}
