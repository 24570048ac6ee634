// Decides whether requests and limits may stand: names, signs, whole numbers, requests within limits. Never knows how much
// a node has.
import { duplicate, forbidden, invalidValue, notFoundValue, required, type FieldError } from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import type { ResourceRequirements } from '../generated/types.ts';
import { compareQuantities, quantityOf } from '../quantity.ts';

const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
/** Devices and the like: a domain of their own, never divided, never overcommitted. */
export const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !name.split('/')[0]!.endsWith('kubernetes.io') && !name.startsWith('requests.');
const mustBeWhole = (name: string): boolean => isHugePages(name) || isExtendedResource(name);

export function validateResources(
  resources: ResourceRequirements | undefined,
  path: string,
  claims: ReadonlySet<string> = new Set(),
): FieldError[] {
  if (resources === undefined) return [];
  const { limits = {}, requests = {} } = resources;
  const errors: FieldError[] = [];
  for (const [name, quantity] of Object.entries(limits)) errors.push(...validateOne(name, quantity, `${path}.limits`));
  for (const [name, quantity] of Object.entries(requests)) {
    errors.push(...validateOne(name, quantity, `${path}.requests`));
    errors.push(...validateAgainstLimit(name, quantity, limits[name], path));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  return [...errors, ...validateClaims(resources, path, claims)];
}

function validateOne(name: string, quantity: string, path: string): FieldError[] {
  const at = `${path}[${name}]`;
  const errors = validateResourceName(name, at);
  const { nanos } = quantityOf(quantity);
  if (nanos < 0n) errors.push(invalidValue(at, quantity, 'must be greater than or equal to 0'));
  else if (mustBeWhole(name) && nanos % 1_000_000_000n !== 0n)
    errors.push(invalidValue(at, quantity, 'must be an integer'));
  return errors;
}

/** Names that a container may ask for. */
export function validateResourceName(name: string, path: string): FieldError[] {
  const problems = qualifiedName(name);
  if (problems.length > 0) return problems.map((told) => invalidValue(path, name, told));
  if (!name.includes('/'))
    return CONTAINER_RESOURCES.has(name) || isHugePages(name)
      ? []
      : [
          invalidValue(path, name, 'must be a standard resource type or fully qualified'),
          invalidValue(path, name, 'must be a standard resource for containers'),
        ];
  return name.startsWith('requests.')
    ? [invalidValue(path, name, "doesn't follow extended resource name standard")]
    : [];
}

function validateAgainstLimit(name: string, request: string, limit: string | undefined, path: string): FieldError[] {
  const at = `${path}.requests`;
  if (limit === undefined)
    return mustBeWhole(name) ? [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')] : [];
  const order = compareQuantities(request, limit);
  if (mustBeWhole(name) && order !== 0)
    return [invalidValue(at, request, `must be equal to ${name} limit of ${limit}`)];
  return order > 0 ? [invalidValue(at, request, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}

function validateClaims(resources: ResourceRequirements, path: string, claims: ReadonlySet<string>): FieldError[] {
  const seen = new Set<string>();
  return (resources.claims ?? []).flatMap((claim, i) => {
    const at = `${path}.claims[${i}]`;
    const errors: FieldError[] = [];
    if (!claims.has(claim.name)) errors.push(notFoundValue(at, claim.name));
    const key = `${claim.name}/${claim.request ?? ''}`;
    if (seen.has(key)) errors.push(duplicate(at, claim.name));
    seen.add(key);
    return errors;
  });
}
