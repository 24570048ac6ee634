// Decides whether RBAC rules permit a request, and whether one set of rules covers another. Never knows whose they are.
import type { Attributes } from './attributes.ts';

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

export type Asked = Pick<Attributes, 'verb' | 'group' | 'resource' | 'subresource' | 'name' | 'path'>;

export function allows(rule: PolicyRule, asked: Asked): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined)
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, asked.path!));
  return (
    has(rule.apiGroups ?? [], asked.group) &&
    (rule.resources ?? []).some((resource) => resourceMatches(resource, asked)) &&
    ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(asked.name))
  );
}

/** Requests that together stand for everything the rule permits; `*` stands for itself. */
function atoms(rule: PolicyRule): Asked[] {
  const paths = (rule.nonResourceURLs ?? []).flatMap((path) =>
    rule.verbs.map((verb) => ({ verb, path, group: '', resource: '', subresource: '', name: '' })),
  );
  const resources = rule.verbs.flatMap((verb) =>
    (rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((full) => {
        const [resource = '', subresource = ''] = full.split('/');
        const names = (rule.resourceNames ?? []).length === 0 ? [''] : rule.resourceNames!;
        return names.map((name) => ({ verb, group, resource, subresource, name }));
      }),
    ),
  );
  return [...paths, ...resources];
}

/** The rules of `wanted` that `owned` does not cover: nobody may hand out more than they have. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.filter((rule) => !atoms(rule).every((asked) => owned.some((own) => allows(own, asked))));
}

function has(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

function resourceMatches(pattern: string, asked: Asked): boolean {
  const full = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
  return pattern === '*' || pattern === full || (asked.subresource !== '' && pattern === `*/${asked.subresource}`);
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}
