// Decides what statuses of many kinds have in common: conditions, and the addresses at which a load balancer is found. Never
// knows a kind.
import {
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  required,
  tooLong,
  type FieldError,
} from '../field-error.ts';
import { dns1123Subdomain, ipAddress, longerThan, qualifiedName } from '../formats.ts';
import type { Condition } from '../generated/types.ts';

const STATUSES = ['False', 'True', 'Unknown'];
const LONGEST_REASON = 1024;
const LONGEST_MESSAGE = 32_768;
const REASON = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const REASON_TEXT =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

/** Of the type that newer kinds share. */
export function validateConditions(conditions: readonly Condition[] = [], path = 'status.conditions'): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap((condition, i) => {
    const { type = '' } = condition;
    const repeated = seen.has(type) ? [duplicate(`${path}[${i}].type`, type)] : [];
    seen.add(type);
    return [...repeated, ...validateCondition(condition, `${path}[${i}]`)];
  });
}

function validateCondition(condition: Condition, path: string): FieldError[] {
  const { type = '', status = '', reason = '', message = '', observedGeneration = 0 } = condition;
  const errors = qualifiedName(type).map((told) => invalidValue(`${path}.type`, type, told));
  if (!STATUSES.includes(status)) errors.push(notSupported(`${path}.status`, status, STATUSES));
  if (observedGeneration < 0)
    errors.push(
      invalidValue(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'),
    );
  if (!condition.lastTransitionTime) errors.push(required(`${path}.lastTransitionTime`, 'must be set'));
  if (reason === '') errors.push(required(`${path}.reason`, 'must be set'));
  else if (!REASON.test(reason)) errors.push(invalidValue(`${path}.reason`, reason, REASON_TEXT));
  if (longerThan([reason], LONGEST_REASON)) errors.push(tooLong(`${path}.reason`, LONGEST_REASON));
  if (longerThan([message], LONGEST_MESSAGE)) errors.push(tooLong(`${path}.message`, LONGEST_MESSAGE));
  return errors;
}

export interface BalancerPoint {
  ip?: string | undefined;
  hostname?: string | undefined;
  ipMode?: string | undefined;
}

/** `ofService`: an address of a Service also says how packets come from there. */
export function validateBalancer(
  points: readonly BalancerPoint[] = [],
  was: readonly BalancerPoint[] = [],
  ofService = false,
): FieldError[] {
  const known = new Set(was.map(({ ip }) => ip));
  return points.flatMap((point, i) => {
    const path = `status.loadBalancer.ingress[${i}]`;
    const { ip = '', hostname = '' } = point;
    const errors = ip === '' || known.has(ip) ? [] : ipAddress(ip).map((told) => invalidValue(`${path}.ip`, ip, told));
    if (ofService) errors.push(...validateMode(point, `${path}.ipMode`));
    if (hostname === '') return errors;
    errors.push(...dns1123Subdomain(hostname).map((told) => invalidValue(`${path}.hostname`, hostname, told)));
    if (ipAddress(hostname).length === 0)
      errors.push(invalidValue(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'));
    return errors;
  });
}

function validateMode({ ip = '', ipMode }: BalancerPoint, path: string): FieldError[] {
  if (ipMode === undefined) return ip === '' ? [] : [required(path, 'must be specified when `ip` is set')];
  if (ip === '') return [forbidden(path, 'may not be specified when `ip` is not set')];
  return ['Proxy', 'VIP'].includes(ipMode) ? [] : [notSupported(path, ipMode, ['Proxy', 'VIP'])];
}

/** How often a name was taken already: it only grows. */
export function notDecremented(now: number | undefined, was: number | undefined): FieldError[] {
  return (now ?? 0) < (was ?? 0) ? [invalidValue('status.collisionCount', now ?? 0, 'cannot be decremented')] : [];
}
