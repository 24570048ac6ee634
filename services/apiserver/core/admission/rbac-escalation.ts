// Decides that nobody hands out more than they have: roles with unheld rules, bindings to roles that one does not hold.
// Never limits who may `escalate` or `bind`.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { equalObjects } from '../../../../lib/api/equality.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { EVERYTHING, RBAC_GROUP } from '../auth/rbac.ts';
import { printList, printRule, uncovered, type PolicyRule } from '../auth/rules.ts';
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
  const held = request.rbac.rulesFor(request.user, object.metadata.namespace ?? '');
  const missing = uncovered(held, wanted);
  if (missing.length > 0) throw forbiddenBy(request.kind, object.metadata.name, attempt(request, missing));
  // It can gather anything.
  const gathers = object['aggregationRule'] !== undefined && object['aggregationRule'] !== null;
  if (gathers && uncovered(held, EVERYTHING).length > 0)
    throw forbiddenBy(
      request.kind,
      object.metadata.name,
      'must have cluster-admin privileges to use the aggregationRule',
    );
}

/** Upstream's words. */
function attempt({ user }: WriteRequest, missing: readonly PolicyRule[]): string {
  const rules = missing.map(printRule).toSorted().join('\n');
  return `user ${JSON.stringify(user.name)} (groups=${printList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${rules}`;
}

function rulesOfBinding(request: WriteRequest, binding: KubeObject): readonly PolicyRule[] {
  const roleRef = binding['roleRef'] as { kind: string; name: string } | undefined;
  const { kind = '', name = '' } = roleRef ?? {};
  const rules = request.rbac.rulesOfRole({ kind, name }, binding.metadata.namespace ?? '');
  if (rules !== undefined) return rules;
  // What is not known cannot be shown to be held. Upstream says so of the resource that it was asked for.
  const { resource } = request.kind.ref;
  throw new ApiError('NotFound', `${resource}.${RBAC_GROUP} ${JSON.stringify(name)} not found`, {
    name,
    group: RBAC_GROUP,
    kind: resource,
  });
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
