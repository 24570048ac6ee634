// Decides that nobody hands out more than they have: roles with unheld rules, bindings to roles that one does not hold.
// Never limits who may `escalate` or `bind`.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { equalObjects } from '../../../../lib/api/equality.ts';
import { RBAC_GROUP } from '../auth/rbac.ts';
import { uncovered, type PolicyRule } from '../auth/rules.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';

export function rbacEscalation(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const { group, resource } = request.kind.ref;
  if (group !== RBAC_GROUP) return;
  const isRole = resource === 'roles' || resource === 'clusterroles';
  const asked = isRole ? ['rules', 'aggregationRule'] : ['roleRef', 'subjects'];
  if (old !== undefined && asked.every((field) => equalObjects(object[field], old[field]))) return;
  const verb = isRole ? 'escalate' : 'bind';
  if (holdsVerb(request, object, verb)) return;
  const wanted = isRole ? ((object['rules'] ?? []) as PolicyRule[]) : rulesOfBinding(request, object);
  const missing = uncovered(request.rbac.rulesFor(request.user, object.metadata.namespace ?? ''), wanted);
  if (missing.length === 0) return;
  throw forbiddenBy(
    request.kind,
    object.metadata.name,
    `user ${JSON.stringify(request.user.name)} (groups=${JSON.stringify(request.user.groups)}) is attempting to grant RBAC permissions not currently held:\n${missing.map((rule) => JSON.stringify(rule)).join('\n')}`,
  );
}

function rulesOfBinding(request: WriteRequest, binding: KubeObject): readonly PolicyRule[] {
  const roleRef = binding['roleRef'] as { kind: string; name: string } | undefined;
  const namespace = binding.metadata.namespace ?? '';
  const rules = roleRef === undefined ? undefined : request.rbac.rulesOfRole(roleRef, namespace);
  if (rules !== undefined) return rules;
  throw forbiddenBy(
    request.kind,
    binding.metadata.name,
    `the role ${JSON.stringify(roleRef?.name ?? '')} that it refers to does not exist, and user ${JSON.stringify(request.user.name)} may not bind it unseen`,
  );
}

function holdsVerb(request: WriteRequest, object: KubeObject, verb: 'escalate' | 'bind'): boolean {
  const namespace = object.metadata.namespace ?? '';
  const roleRef = object['roleRef'] as { kind: string; name: string } | undefined;
  const resource =
    verb === 'escalate' ? request.kind.ref.resource : roleRef?.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  const name = verb === 'escalate' ? object.metadata.name : (roleRef?.name ?? '');
  const asked = { user: request.user, verb, group: RBAC_GROUP, resource, subresource: '', namespace, name };
  return request.rbac.allow(asked) !== undefined;
}
