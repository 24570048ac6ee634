// Decides how much of a request the audit log tells: the first rule of the policy that matches it. Never tells anything.
import type { AuditLevel, AuditPolicy, AuditRule, AuditStage } from '../../../../lib/api/audit-policy.ts';
import { pathMatches } from '../auth/rules.ts';
import type { User } from '../auth/user.ts';
import type { RequestInfo, ResourceRequest } from '../request-info.ts';

export interface AuditDecision {
  level: AuditLevel;
  omitStages: ReadonlySet<AuditStage>;
  omitManagedFields: boolean;
}

/** `user` is undefined where nobody could be found out. */
export function auditDecision(policy: AuditPolicy, user: User | undefined, info: RequestInfo): AuditDecision {
  const rule = policy.rules.find((candidate) => isFor(candidate, user, info));
  return {
    level: rule?.level ?? 'None',
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

function isFor(rule: AuditRule, user: User | undefined, info: RequestInfo): boolean {
  const { users, userGroups, verbs, namespaces, resources, nonResourceURLs } = rule;
  if (!isAny(users, user === undefined ? [] : [user.name])) return false;
  if (!isAny(userGroups, user?.groups ?? [])) return false;
  if (!isAny(verbs, [info.verb])) return false;
  if (isSet(namespaces) || isSet(resources)) return info.isResource && isForResource(rule, info);
  if (isSet(nonResourceURLs)) return !info.isResource && nonResourceURLs!.some((url) => pathMatches(url, info.path));
  return true;
}

function isForResource({ namespaces, resources }: AuditRule, info: ResourceRequest): boolean {
  if (!isAny(namespaces, [info.namespace])) return false;
  if (!isSet(resources)) return true;
  return resources!.some(({ group = '', resources: names, resourceNames }) => {
    if (group !== info.group) return false;
    if (!isSet(names)) return true;
    return isAny(resourceNames, [info.name]) && names!.some((name) => resourceMatches(name, info));
  });
}

function resourceMatches(pattern: string, { resource, subresource }: ResourceRequest): boolean {
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    pattern === '*' ||
    pattern === full ||
    pattern === `${resource}/*` ||
    (subresource !== '' && pattern === `*/${subresource}`)
  );
}

const isSet = (list: readonly unknown[] | undefined): boolean => (list ?? []).length > 0;

/** An empty list asks for nothing. */
function isAny(wanted: readonly string[] | undefined, has: readonly string[]): boolean {
  return !isSet(wanted) || has.some((one) => wanted!.includes(one));
}
