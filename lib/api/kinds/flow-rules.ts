// Decides which rules a FlowSchema may have: whose requests, and which of them. Never matches a request.
import { forbidden, GoText, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../formats.ts';
import type {
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../generated/types.ts';

const VERBS = 'create delete deletecollection get list patch proxy update watch';
const SUPPORTED_VERBS = VERBS.split(' ');

const PARTS = { User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const;
type SubjectKind = keyof typeof PARTS;
/** In this order upstream looks for what does not belong there. */
const STRANGERS: Readonly<Record<SubjectKind, readonly SubjectKind[]>> = {
  ServiceAccount: ['User', 'Group'],
  User: ['ServiceAccount', 'Group'],
  Group: ['ServiceAccount', 'User'],
};

type Subject = NonNullable<PolicyRulesWithSubjects['subjects']>[number];

function validateSubject(subject: Subject, path: string): FieldError[] {
  const kind = subject.kind as SubjectKind;
  if (PARTS[kind] === undefined)
    return [notSupported(`${path}.kind`, subject.kind ?? '', ['Group', 'ServiceAccount', 'User'])];
  const errors = validateNamed(subject, kind, `${path}.${PARTS[kind]}`);
  for (const other of STRANGERS[kind])
    if (subject[PARTS[other]] !== undefined)
      errors.push(
        forbidden(`${path}.${PARTS[other]}`, `${PARTS[other]} is forbidden when subject kind is not '${other}'`),
      );
  return errors;
}

function validateNamed(subject: Subject, kind: SubjectKind, path: string): FieldError[] {
  const named: { name?: string; namespace?: string } | undefined = subject[PARTS[kind]];
  if (named === undefined) return [required(path, `${PARTS[kind]} is required when subject kind is '${kind}'`)];
  const { name = '', namespace = '' } = named;
  const errors = name === '' ? [required(`${path}.name`)] : [];
  if (kind !== 'ServiceAccount') return errors;
  if (name !== '' && name !== '*')
    errors.push(...dns1123Subdomain(name).map((told) => invalidValue(`${path}.name`, name, told)));
  if (namespace === '') errors.push(required(`${path}.namespace`, 'must specify namespace for service account'));
  else errors.push(...dns1123Label(namespace).map((told) => invalidValue(`${path}.namespace`, namespace, told)));
  return errors;
}

const hasAll = (values: readonly string[]): boolean => values.includes('*');

/** `others`: what must not stand beside the star. */
function alone(values: readonly string[], path: string, others: string): FieldError[] {
  return values.length > 1 && hasAll(values)
    ? [invalidValue(path, GoText.strings(values), `if '*' is present, must not specify other ${others}`)]
    : [];
}

function validateVerbs(verbs: readonly string[] = [], path: string): FieldError[] {
  if (verbs.length === 0) return [required(path, 'verbs must contain at least one value')];
  if (hasAll(verbs)) return alone(verbs, path, 'verbs');
  return verbs.every((verb) => SUPPORTED_VERBS.includes(verb))
    ? []
    : [notSupported(path, GoText.strings(verbs), SUPPORTED_VERBS)];
}

function validateResourceRule(rule: ResourcePolicyRule, path: string): FieldError[] {
  const { apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  const errors = validateVerbs(rule.verbs, `${path}.verbs`);
  if (apiGroups.length === 0)
    errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  errors.push(...alone(apiGroups, `${path}.apiGroups`, 'api groups'));
  if (resources.length === 0)
    errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
  errors.push(...alone(resources, `${path}.resources`, 'resources'));
  if (namespaces.length === 0 && !clusterScope)
    errors.push(
      required(`${path}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'),
    );
  if (hasAll(namespaces)) return [...errors, ...alone(namespaces, `${path}.namespaces`, 'namespaces')];
  const intro = "each member of this list must be '*' or a DNS-1123 label; ";
  const wrong = namespaces.flatMap((namespace, i) =>
    dns1123Label(namespace).map((told) => invalidValue(`${path}.namespaces[${i}]`, namespace, intro + told)),
  );
  return [...errors, ...wrong];
}

function validateUrl(url: string, path: string): FieldError[] {
  if (url === '') return [invalidValue(path, url, 'must not be empty')];
  if (url === '/') return [];
  if (!url.startsWith('/')) return [invalidValue(path, url, 'must start with slash')];
  if (url.includes(' ')) return [invalidValue(path, url, 'must not contain white-space')];
  if (url.includes('//')) return [invalidValue(path, url, 'must not contain double slash')];
  const stars = [...url].filter((char) => char === '*').length;
  if (stars > 1 || (stars === 1 && !url.endsWith('/*')))
    return [invalidValue(path, url, 'wildcard can only do suffix matching')];
  return [];
}

function validateNonResourceRule(rule: NonResourcePolicyRule, path: string): FieldError[] {
  const urls = rule.nonResourceURLs ?? [];
  const errors = validateVerbs(rule.verbs, `${path}.verbs`);
  const at = `${path}.nonResourceURLs`;
  if (urls.length === 0) return [...errors, required(at, 'nonResourceURLs must contain at least one value')];
  if (hasAll(urls)) return [...errors, ...alone(urls, at, 'non-resource URLs')];
  return [...errors, ...urls.flatMap((url, i) => validateUrl(url, `${at}[${i}]`))];
}

function validateRule(rule: PolicyRulesWithSubjects, path: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors = subjects.flatMap((subject, i) => validateSubject(subject, `${path}.subjects[${i}]`));
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  if (resourceRules.length + nonResourceRules.length === 0)
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  return [
    ...errors,
    ...resourceRules.flatMap((own, i) => validateResourceRule(own, `${path}.resourceRules[${i}]`)),
    ...nonResourceRules.flatMap((own, i) => validateNonResourceRule(own, `${path}.nonResourceRules[${i}]`)),
  ];
}

export function validateFlowSchemaSpec(name: string, spec: Partial<FlowSchemaSpec>): FieldError[] {
  const errors: FieldError[] = [];
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec;
  const refuse = (told: string): number => errors.push(invalidValue('spec.matchingPrecedence', precedence, told));
  if (precedence <= 0) refuse('must be a positive value');
  if (precedence > 10_000) refuse('must not be greater than 10000');
  if (precedence === 1 && name !== 'exempt') refuse("only the schema named 'exempt' may have matchingPrecedence 1");
  if (method !== undefined && !['ByNamespace', 'ByUser'].includes(method.type ?? '')) {
    const printed = new GoText(`flowcontrol.FlowDistinguisherMethod{Type:${JSON.stringify(method.type ?? '')}}`);
    errors.push(notSupported('spec.distinguisherMethod.type', printed, ['ByNamespace', 'ByUser']));
  }
  const level = spec.priorityLevelConfiguration?.name ?? '';
  const path = 'spec.priorityLevelConfiguration.name';
  if (level === '') errors.push(required(path, 'must reference a priority level'));
  else errors.push(...dns1123Subdomain(level).map((told) => invalidValue(path, level, told)));
  return [...errors, ...(spec.rules ?? []).flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`))];
}
