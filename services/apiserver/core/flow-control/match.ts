// Decides which FlowSchema takes a request, and to which flow of it the request belongs. Never limits anything.
import type { FlowSchema } from '../../../../lib/api/generated/types.ts';
import type { User } from '../auth/user.ts';
import type { RequestInfo } from '../request-info.ts';

type Rules = NonNullable<NonNullable<FlowSchema['spec']>['rules']>[number];
type Subject = NonNullable<Rules['subjects']>[number];
type ResourceRule = NonNullable<Rules['resourceRules']>[number];

/** What a request is told apart by. */
export interface Digest {
  user: User;
  info: RequestInfo;
}

/** The order in which they are asked: lowest precedence first, then by name. */
export function inOrder(schemas: Iterable<FlowSchema>): FlowSchema[] {
  return [...schemas].toSorted(
    (a, b) =>
      (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) ||
      (a.metadata!.name! < b.metadata!.name! ? -1 : 1),
  );
}

export function matches(schema: FlowSchema, digest: Digest): boolean {
  return (schema.spec?.rules ?? []).some((rules) => rulesMatch(rules, digest));
}

function rulesMatch(rules: Rules, { user, info }: Digest): boolean {
  if (!(rules.subjects ?? []).some((subject) => isSubject(subject, user))) return false;
  if (info.isResource) {
    const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
    return (rules.resourceRules ?? []).some(
      (rule) =>
        has(rule.verbs, info.verb) &&
        has(rule.resources, resource) &&
        has(rule.apiGroups, info.group) &&
        isPlaced(rule, info.namespace),
    );
  }
  return (rules.nonResourceRules ?? []).some(
    (rule) => has(rule.verbs, info.verb) && (rule.nonResourceURLs ?? []).some((url) => pathMatches(url, info.path)),
  );
}

function isPlaced(rule: ResourceRule, namespace: string): boolean {
  return namespace === '' ? rule.clusterScope === true : has(rule.namespaces, namespace);
}

function isSubject(subject: Subject, user: User): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user !== undefined && (subject.user.name === '*' || subject.user.name === user.name);
    case 'Group':
      return subject.group !== undefined && (subject.group.name === '*' || user.groups.includes(subject.group.name!));
    case 'ServiceAccount': {
      if (subject.serviceAccount === undefined) return false;
      const prefix = `system:serviceaccount:${subject.serviceAccount.namespace}:`;
      const { name } = subject.serviceAccount;
      return user.name.startsWith(prefix) && (name === '*' || user.name === `${prefix}${name}`);
    }
    default:
      return false;
  }
}

function has(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes(value) || (values.length === 1 && values[0] === '*'));
}

/** `/healthz` stands for what is below it too, as upstream reads it. */
function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  const prefix = pattern.replace(/\*$/, '');
  return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

/** Requests of one schema with the same answer are one flow. */
export function distinguisher(schema: FlowSchema, { user, info }: Digest): string {
  switch (schema.spec?.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name;
    case 'ByNamespace':
      return info.isResource ? info.namespace : '';
    default:
      return '';
  }
}
