// Decides what roles and bindings are. Never decides who may do what (the API actor's authorizer).
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { GoText, invalidValue, notSupported, quoted, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain, pathSegment } from '../formats.ts';
import type { ClusterRole, PolicyRule, RoleBinding, RoleRef, Subject } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { validateSelector } from '../selectors.ts';

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
          invalidValue(
            `${path}.nonResourceURLs`,
            GoText.strings(urls),
            'namespaced rules cannot apply to non-resource URLs',
          ),
        );
      if ((rule.apiGroups ?? []).length + (rule.resources ?? []).length + (rule.resourceNames ?? []).length > 0)
        errors.push(
          invalidValue(
            `${path}.nonResourceURLs`,
            GoText.strings(urls),
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

function validateAggregation({ aggregationRule: rule }: ClusterRole): FieldError[] {
  if (rule === undefined) return [];
  const path = 'aggregationRule.clusterRoleSelectors';
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  return selectors.flatMap((selector, i) => {
    const errors = validateSelector(selector, `${path}[${i}]`);
    if (errors.length > 0) errors.push(invalidValue(`${path}[${i}]`, undefined, 'invalid label selector.'));
    return errors;
  });
}

function role(kind: 'Role' | 'ClusterRole'): KindBehaviour {
  const validate = (object: ClusterRole): FieldError[] => [
    ...validateRules(object.rules ?? [], kind === 'Role'),
    ...(kind === 'Role' ? [] : validateAggregation(object)),
  ];
  return defineKind<ClusterRole>({
    group: GROUP,
    version: 'v1',
    kind,
    nameRule: 'pathSegment',
    validate,
    // Upstream looks at the whole object again where it compares, and tells all of it twice.
    validateUpdate: validate,
    cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? null],
  });
}

const SUBJECT_KINDS = ['ServiceAccount', 'User', 'Group'];

function validateSubject(subject: Subject, path: string, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!subject.name) errors.push(required(`${path}.name`));
  if (!SUBJECT_KINDS.includes(subject.kind))
    return [...errors, notSupported(`${path}.kind`, subject.kind, SUBJECT_KINDS)];
  const apiGroup = subject.kind === 'ServiceAccount' ? '' : GROUP;
  if ((subject.apiGroup ?? '') !== apiGroup)
    errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup ?? '', [apiGroup]));
  if (subject.kind !== 'ServiceAccount') return errors;
  const nameErrors = subject.name ? dns1123Subdomain(subject.name) : [];
  errors.unshift(...nameErrors.map((told) => invalidValue(`${path}.name`, subject.name, told)));
  if (!isNamespaced && !subject.namespace) errors.push(required(`${path}.namespace`));
  return errors;
}

function validateBinding(object: RoleBinding, isNamespaced: boolean): FieldError[] {
  const ref = object.roleRef ?? { apiGroup: '', kind: '', name: '' };
  const kinds = isNamespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  const errors: FieldError[] = [];
  if (ref.apiGroup !== GROUP) errors.push(notSupported('roleRef.apiGroup', ref.apiGroup, [GROUP]));
  if (!kinds.includes(ref.kind)) errors.push(notSupported('roleRef.kind', ref.kind, kinds));
  if (!ref.name) errors.push(required('roleRef.name'));
  else errors.push(...pathSegment(ref.name).map((told) => invalidValue('roleRef.name', ref.name, told)));
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

/** As Go prints it. */
const printedRef = ({ apiGroup = '', kind = '', name = '' }: Partial<RoleRef>): GoText =>
  new GoText(`rbac.RoleRef{APIGroup:${quoted(apiGroup)}, Kind:${quoted(kind)}, Name:${quoted(name)}}`);

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
    // Upstream looks at the whole object again where it compares, and tells all of it twice.
    validateUpdate: (object, old) => [
      ...validateBinding(object, kind === 'RoleBinding'),
      ...(equalObjects(object.roleRef, old.roleRef)
        ? []
        : [invalidValue('roleRef', printedRef(object.roleRef ?? {}), 'cannot change roleRef')]),
    ],
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
