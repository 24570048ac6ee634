// Decides by Roles, ClusterRoles and their bindings who may do what. Never writes them, and never denies: it only does
// not allow.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import type { LabelSelector } from '../../../../lib/api/generated/types.ts';
import type { Attributes } from './attributes.ts';
import { allows, type PolicyRule } from './rules.ts';
import { MASTERS, type User } from './user.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
export const RBAC_STREAMS = ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map(
  (resource) => `${RBAC_GROUP}/${resource}`,
);

export interface RbacObjects {
  roles: Iterable<KubeObject>;
  clusterRoles: Iterable<KubeObject>;
  roleBindings: Iterable<KubeObject>;
  clusterRoleBindings: Iterable<KubeObject>;
}

interface Grant {
  /** '' : everywhere. */
  namespace: string;
  rules: readonly PolicyRule[];
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`, for the answer of an access review. */
  why: string;
}

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

export const EVERYTHING: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Built once for one state of the four resources; a question costs the grants of the one who asks. */
export class Rbac {
  readonly #grants = new Map<string, Grant[]>();
  /** Of a user who asks more than once on a connection. */
  readonly #own = new WeakMap<User, readonly Grant[]>();
  readonly #roles = new Map<string, readonly PolicyRule[]>();

  constructor(objects: RbacObjects) {
    const clusterRoles = [...objects.clusterRoles];
    for (const role of clusterRoles) this.#roles.set(`/${role.metadata.name}`, effectiveRules(role, clusterRoles));
    for (const role of objects.roles)
      this.#roles.set(`${role.metadata.namespace}/${role.metadata.name}`, role['rules'] ?? []);
    for (const binding of objects.clusterRoleBindings) this.#bind(binding, '');
    for (const binding of objects.roleBindings) this.#bind(binding, binding.metadata.namespace ?? '');
  }

  /** Why it is allowed ('': as one of the masters, who need no role), or undefined. */
  allow(asked: Attributes): string | undefined {
    if (asked.user.groups.includes(MASTERS)) return '';
    for (const grant of this.#grantsOf(asked.user)) {
      if (grant.namespace !== '' && (asked.path !== undefined || grant.namespace !== asked.namespace)) continue;
      if (grant.rules.some((rule) => allows(rule, asked))) return grant.why;
    }
    return undefined;
  }

  /** Everything that the user may do in the namespace ('': at cluster scope); each rule once, whoever grants it. */
  rulesFor(user: User, namespace: string): PolicyRule[] {
    const granted = [...this.#grantsOf(user)]
      .filter((grant) => grant.namespace === '' || grant.namespace === namespace)
      .flatMap((grant) => grant.rules);
    return distinct(user.groups.includes(MASTERS) ? [...EVERYTHING, ...granted] : granted);
  }

  /** Rules of a role that a binding in `namespace` names, or undefined when there is no such role. */
  rulesOfRole(roleRef: { kind: string; name: string }, namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(`${roleRef.kind === 'ClusterRole' ? '' : namespace}/${roleRef.name}`);
  }

  #grantsOf(user: User): readonly Grant[] {
    let own = this.#own.get(user);
    if (own === undefined) {
      const subjects = [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)];
      this.#own.set(user, (own = subjects.flatMap((subject) => this.#grants.get(subject) ?? [])));
    }
    return own;
  }

  #bind(binding: KubeObject, namespace: string): void {
    const roleRef = binding['roleRef'] as { kind: string; name: string };
    const rules = this.rulesOfRole(roleRef, namespace);
    if (rules === undefined) return;
    for (const subject of (binding['subjects'] ?? []) as Subject[]) {
      const key = subjectKey(subject, namespace);
      const where = namespace === '' ? binding.metadata.name : `${binding.metadata.name}/${namespace}`;
      const why = `RBAC: allowed by ${binding.kind} ${JSON.stringify(where)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(subject.name)}`;
      const grant: Grant = { namespace, rules, why };
      const known = this.#grants.get(key);
      if (known === undefined) this.#grants.set(key, [grant]);
      else known.push(grant);
    }
  }
}

function subjectKey(subject: Subject, bindingNamespace: string): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${subject.name}`;
  return `User system:serviceaccount:${subject.namespace ?? bindingNamespace}:${subject.name}`;
}

/** An aggregating role is the sum of the roles that its selectors choose, each of which may be one too; never its own rules. */
export function effectiveRules(
  role: KubeObject,
  all: readonly KubeObject[],
  within: ReadonlySet<KubeObject> = new Set(),
): readonly PolicyRule[] {
  const selectors = role['aggregationRule']?.clusterRoleSelectors as LabelSelector[] | undefined;
  if (selectors === undefined) return (role['rules'] ?? []) as PolicyRule[];
  // Two roles may choose each other.
  const outer = new Set([...within, role]);
  const chosen = all.filter(
    (other) => !outer.has(other) && selectors.some((selector) => selects(selector, other.metadata.labels)),
  );
  return distinct(chosen.flatMap((other) => effectiveRules(other, all, outer)));
}

function distinct(rules: readonly PolicyRule[]): PolicyRule[] {
  const known = new Set<string>();
  return rules.filter(({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }) => {
    const text = JSON.stringify([verbs, apiGroups, resources, resourceNames, nonResourceURLs]);
    return !known.has(text) && known.add(text);
  });
}
