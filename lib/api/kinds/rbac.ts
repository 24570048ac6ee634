// Decides what roles and bindings are. Never decides who may do what (the API actor's authorizer).
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { PolicyRule, RoleBinding, Subject } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';

const GROUP = 'rbac.authorization.k8s.io';

function validateRules(rules: PolicyRule[], isNamespaced: boolean): FieldError[] {
  return rules.flatMap((rule, i) => {
    const path = `rules[${i}]`;
    const errors: FieldError[] = [];
    const urls = rule.nonResourceURLs ?? [];
    if ((rule.verbs ?? []).length === 0)
      errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
    if (urls.length > 0) {
      if (isNamespaced)
        errors.push(
          invalidValue(`${path}.nonResourceURLs`, urls, 'namespaced rules cannot apply to non-resource URLs'),
        );
      if ((rule.apiGroups ?? []).length + (rule.resources ?? []).length + (rule.resourceNames ?? []).length > 0)
        errors.push(
          invalidValue(
            `${path}.nonResourceURLs`,
            urls,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      return errors;
    }
    if ((rule.apiGroups ?? []).length === 0)
      errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
    if ((rule.resources ?? []).length === 0)
      errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
    return errors;
  });
}

function role(kind: 'Role' | 'ClusterRole'): KindBehaviour {
  return defineKind<{ rules?: PolicyRule[]; metadata: { name: string; creationTimestamp?: string } }>({
    group: GROUP,
    version: 'v1',
    kind,
    nameRule: 'pathSegment',
    validate: (object) => validateRules(object.rules ?? [], kind === 'Role'),
    cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? null],
  });
}

const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User'];

function validateSubject(subject: Subject, path: string, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!subject.name) errors.push(required(`${path}.name`));
  if (!SUBJECT_KINDS.includes(subject.kind))
    return [...errors, notSupported(`${path}.kind`, subject.kind, SUBJECT_KINDS)];
  const apiGroup = subject.kind === 'ServiceAccount' ? '' : GROUP;
  if ((subject.apiGroup ?? '') !== apiGroup)
    errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup ?? '', [apiGroup]));
  if (subject.kind === 'ServiceAccount' && !isNamespaced && !subject.namespace)
    errors.push(required(`${path}.namespace`));
  return errors;
}

function validateBinding(object: RoleBinding, isNamespaced: boolean): FieldError[] {
  const ref = object.roleRef ?? { apiGroup: '', kind: '', name: '' };
  const kinds = isNamespaced ? ['ClusterRole', 'Role'] : ['ClusterRole'];
  const errors: FieldError[] = [];
  if (ref.apiGroup !== GROUP) errors.push(notSupported('roleRef.apiGroup', ref.apiGroup, [GROUP]));
  if (!kinds.includes(ref.kind)) errors.push(notSupported('roleRef.kind', ref.kind, kinds));
  if (!ref.name) errors.push(required('roleRef.name'));
  (object.subjects ?? []).forEach((subject, i) =>
    errors.push(...validateSubject(subject, `subjects[${i}]`, isNamespaced)),
  );
  return errors;
}

function namesOf(object: RoleBinding, kind: string): string {
  return (object.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace ?? ''}/${subject.name}` : subject.name))
    .join(', ');
}

function binding(kind: 'RoleBinding' | 'ClusterRoleBinding'): KindBehaviour {
  return defineKind<RoleBinding>({
    group: GROUP,
    version: 'v1',
    kind,
    nameRule: 'pathSegment',
    default(object) {
      if (object.roleRef !== undefined) object.roleRef.apiGroup ||= GROUP;
      for (const subject of object.subjects ?? []) if (subject.kind !== 'ServiceAccount') subject.apiGroup ||= GROUP;
    },
    validate: (object) => validateBinding(object, kind === 'RoleBinding'),
    validateUpdate: (object, old) =>
      equalObjects(object.roleRef, old.roleRef)
        ? []
        : [invalidValue('roleRef', object.roleRef, 'cannot change roleRef')],
    cells: (object, now) => [
      object.metadata.name,
      `${object.roleRef.kind}/${object.roleRef.name}`,
      ageOf(object.metadata.creationTimestamp, now),
      namesOf(object, 'User'),
      namesOf(object, 'Group'),
      namesOf(object, 'ServiceAccount'),
    ],
  });
}

export const rbac: readonly KindBehaviour[] = [
  role('Role'),
  role('ClusterRole'),
  binding('RoleBinding'),
  binding('ClusterRoleBinding'),
];
