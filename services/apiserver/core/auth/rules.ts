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

/** What `wanted` permits and `owned` does not: nobody may hand out more than they have. One rule for each thing, with its verbs. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = new Map<string, PolicyRule>();
  for (const asked of wanted.flatMap(atoms)) {
    if (owned.some((own) => allows(own, asked))) continue;
    const { verb, ...thing } = asked;
    // Verbs of one path are told one by one.
    const key = JSON.stringify(thing.path === undefined ? thing : asked);
    const known = missing.get(key);
    if (known === undefined) missing.set(key, ruleOf(asked));
    else if (!known.verbs.includes(verb)) known.verbs.push(verb);
  }
  return [...missing.values()];
}

function ruleOf({ verb, group, resource, subresource, name, path }: Asked): PolicyRule {
  if (path !== undefined) return { verbs: [verb], nonResourceURLs: [path] };
  return {
    verbs: [verb],
    apiGroups: [group],
    resources: [subresource === '' ? resource : `${resource}/${subresource}`],
    ...(name === '' ? {} : { resourceNames: [name] }),
  };
}

/** As upstream prints a rule in a refusal: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}`. */
export function printRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const fields: Array<[string, string[] | undefined]> = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ];
  const shown = fields.filter(([, values]) => (values ?? []).length > 0);
  return `{${shown.map(([field, values]) => `${field}:${printList(values!)}`).join(', ')}}`;
}

/** As Go prints a list of texts with %q. */
export function printList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;
}

function has(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

function resourceMatches(pattern: string, asked: Asked): boolean {
  const full = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
  return pattern === '*' || pattern === full || (asked.subresource !== '' && pattern === `*/${asked.subresource}`);
}

/** `*` at its end stands for all that begins so. */
export function pathMatches(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}
