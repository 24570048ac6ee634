// Decides what an audit policy is (audit.k8s.io/v1 Policy) and whether a text is one. Never decides which request a rule is
// for (services/apiserver/core/audit/policy.ts does).
import { isRecord } from '../base/records.ts';
import { invalidValue, messagesOf, notSupported, required, type FieldError } from './field-error.ts';
import { parseYaml } from './yaml.ts';

const AUDIT_LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
const AUDIT_STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];
export type AuditStage = (typeof AUDIT_STAGES)[number];

export interface AuditRule {
  level: AuditLevel;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: Array<{ group?: string; resources?: string[]; resourceNames?: string[] }>;
  namespaces?: string[];
  nonResourceURLs?: string[];
  omitStages?: AuditStage[];
  omitManagedFields?: boolean;
}

export interface AuditPolicy {
  rules: AuditRule[];
  omitStages?: AuditStage[];
  omitManagedFields?: boolean;
}

const LISTS = ['users', 'userGroups', 'verbs', 'namespaces', 'nonResourceURLs', 'omitStages'];
const RULE_FIELDS = new Set(['level', 'resources', 'omitManagedFields', ...LISTS]);
const POLICY_FIELDS = new Set(['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']);
const RESOURCE_FIELDS = new Set(['group', 'resources', 'resourceNames']);

/** Throws an Error that says what is wrong and where; `name` is the file's. */
export function parseAuditPolicy(text: string, name: string): AuditPolicy {
  const refuse = (why: string): never => {
    throw new Error(`the audit policy ${name} cannot be used: ${why}`);
  };
  let documents: ReturnType<typeof parseYaml>;
  try {
    documents = parseYaml(text);
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (documents.length !== 1) refuse(`it must hold one Policy, and holds ${documents.length} documents`);
  const [{ value, duplicates }] = documents as [(typeof documents)[number]];
  if (!isRecord(value)) return refuse('it is no object');
  if (value['apiVersion'] !== 'audit.k8s.io/v1' || value['kind'] !== 'Policy')
    refuse(
      `apiVersion ${JSON.stringify(value['apiVersion'])}, kind ${JSON.stringify(value['kind'])}: it must be audit.k8s.io/v1, Policy`,
    );
  const [repeated] = duplicates;
  if (repeated !== undefined) refuse(`duplicate field ${JSON.stringify(repeated)}`);
  const errors = policyErrors(value);
  if (errors.length > 0) refuse(messagesOf(errors));
  if (((value['rules'] as unknown[] | undefined) ?? []).length === 0) refuse('loaded illegal policy with 0 rules');
  return value as unknown as AuditPolicy;
}

type Fields = Record<string, unknown>;

function policyErrors(policy: Fields): FieldError[] {
  const rules = policy['rules'] ?? [];
  return [
    ...unknown(policy, POLICY_FIELDS, ''),
    ...stageErrors(policy['omitStages'], 'omitStages'),
    ...flagErrors(policy['omitManagedFields'], 'omitManagedFields'),
    ...(Array.isArray(rules)
      ? rules.flatMap((rule, i) => ruleErrors(rule, `rules[${i}]`))
      : [invalidValue('rules', rules, 'must be a list')]),
  ];
}

function ruleErrors(rule: unknown, path: string): FieldError[] {
  if (!isRecord(rule)) return [invalidValue(path, rule, 'must be an object')];
  const lists = LISTS.filter((field) => field !== 'omitStages').flatMap((field) =>
    textErrors(rule[field], `${path}.${field}`),
  );
  const errors = [
    ...unknown(rule, RULE_FIELDS, `${path}.`),
    ...levelErrors(rule['level'], `${path}.level`),
    ...lists,
    ...stageErrors(rule['omitStages'], `${path}.omitStages`),
    ...flagErrors(rule['omitManagedFields'], `${path}.omitManagedFields`),
  ];
  if (errors.length > 0) return errors;
  const { nonResourceURLs: urls = [], resources, namespaces = [] } = rule as unknown as AuditRule;
  errors.push(...urls.flatMap((url, i) => urlErrors(url, `${path}.nonResourceURLs[${i}]`)));
  errors.push(...resourceErrors(resources, `${path}.resources`));
  const both = urls.length > 0 && ((resources ?? []).length > 0 || namespaces.length > 0);
  if (both)
    errors.push(
      invalidValue(
        `${path}.nonResourceURLs`,
        urls,
        'rules cannot apply to both regular resources and non-resource URLs',
      ),
    );
  return errors;
}

function levelErrors(level: unknown, path: string): FieldError[] {
  if (level === undefined || level === '') return [required(path)];
  return (AUDIT_LEVELS as readonly unknown[]).includes(level) ? [] : [notSupported(path, level, AUDIT_LEVELS)];
}

function stageErrors(stages: unknown, path: string): FieldError[] {
  if (stages === undefined || stages === null) return [];
  if (!Array.isArray(stages)) return [invalidValue(path, stages, 'must be a list')];
  return stages.flatMap((stage, i) =>
    (AUDIT_STAGES as readonly unknown[]).includes(stage)
      ? []
      : [invalidValue(`${path}[${i}]`, stage, `allowed stages are ${AUDIT_STAGES.join(',')}`)],
  );
}

function urlErrors(url: string, path: string): FieldError[] {
  if (url === '*') return [];
  const errors: FieldError[] = [];
  if (!url.startsWith('/'))
    errors.push(invalidValue(path, url, "non-resource URL rules must begin with a '/' character"));
  if (url.slice(0, -1).includes('*'))
    errors.push(invalidValue(path, url, "non-resource URL wildcards '*' must be the final character of the rule"));
  return errors;
}

function resourceErrors(resources: unknown, path: string): FieldError[] {
  if (resources === undefined || resources === null) return [];
  if (!Array.isArray(resources)) return [invalidValue(path, resources, 'must be a list')];
  return resources.flatMap((one: unknown, i) => {
    if (!isRecord(one)) return [invalidValue(`${path}[${i}]`, one, 'must be an object with group and resources')];
    const errors = [
      ...unknown(one, RESOURCE_FIELDS, `${path}[${i}].`),
      ...textErrors(one['resources'], `${path}[${i}].resources`),
      ...textErrors(one['resourceNames'], `${path}[${i}].resourceNames`),
    ];
    const { group = '' } = one;
    if (typeof group !== 'string' || (group !== '' && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(group)))
      errors.push(invalidValue(`${path}[${i}].group`, group, 'must be the name of a group, without a version'));
    if (one['resourceNames'] !== undefined && one['resources'] === undefined)
      errors.push(
        invalidValue(
          `${path}[${i}].resourceNames`,
          one['resourceNames'],
          'using resourceNames requires at least one resource',
        ),
      );
    return errors;
  });
}

function textErrors(value: unknown, path: string): FieldError[] {
  if (value === undefined || value === null) return [];
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string');
  return isList ? [] : [invalidValue(path, value, 'must be a list of texts')];
}

function flagErrors(value: unknown, path: string): FieldError[] {
  return value === undefined || typeof value === 'boolean' ? [] : [invalidValue(path, value, 'must be true or false')];
}

/** A misspelt field would silently log more, or less, than was meant. */
function unknown(object: Fields, known: ReadonlySet<string>, path: string): FieldError[] {
  return Object.keys(object)
    .filter((field) => !known.has(field))
    .map((field) => invalidValue(`${path}${field}`, field, 'unknown field'));
}
