// Decides what the two kinds of flow control are: which requests belong together, and how many of them run at once. Never
// queues a request.
import { ageOf } from '../age.ts';
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { oneOf } from '../pod/validate-container.ts';

const GROUP = 'flowcontrol.apiserver.k8s.io';

function validateSubjects(rule: any, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((rule.subjects ?? []).length === 0)
    errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  if ((rule.resourceRules ?? []).length + (rule.nonResourceRules ?? []).length === 0)
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  (rule.subjects ?? []).forEach((subject: any, i: number) => {
    if (!['Group', 'ServiceAccount', 'User'].includes(subject.kind))
      errors.push(notSupported(`${path}.subjects[${i}].kind`, subject.kind, ['Group', 'ServiceAccount', 'User']));
  });
  return errors;
}

const flowSchema = defineKind<FlowSchema>({
  group: GROUP,
  version: 'v1',
  kind: 'FlowSchema',
  default({ spec }) {
    if (spec !== undefined && !spec.matchingPrecedence) spec.matchingPrecedence = 1000;
  },
  validate({ metadata, spec }) {
    const errors: FieldError[] = [];
    const precedence = spec?.matchingPrecedence ?? 0;
    if (precedence <= 0) errors.push(invalidValue('spec.matchingPrecedence', precedence, 'must be a positive value'));
    if (precedence > 10_000)
      errors.push(invalidValue('spec.matchingPrecedence', precedence, 'must not be greater than 10000'));
    if (precedence === 1 && metadata.name !== 'exempt')
      errors.push(
        invalidValue(
          'spec.matchingPrecedence',
          precedence,
          "only the schema named 'exempt' may have matchingPrecedence 1",
        ),
      );
    if (!spec?.priorityLevelConfiguration?.name) errors.push(required('spec.priorityLevelConfiguration.name'));
    errors.push(...oneOf('spec.distinguisherMethod.type', spec?.distinguisherMethod?.type, ['ByNamespace', 'ByUser']));
    (spec?.rules ?? []).forEach((rule, i) => errors.push(...validateSubjects(rule, `spec.rules[${i}]`)));
    return errors;
  },
  columns: [
    ['Name', 'string', 'name', 0],
    ['PriorityLevel', 'string', '', 0],
    ['MatchingPrecedence', 'integer', '', 0],
    ['DistinguisherMethod', 'string', '', 0],
    ['Age', 'string', '', 0],
    ['MissingPL', 'string', '', 0],
  ],
  cells({ metadata, spec, status }, now) {
    const dangling = (status?.conditions ?? []).find(({ type }) => type === 'Dangling');
    return [
      metadata.name,
      spec?.priorityLevelConfiguration?.name ?? '',
      spec?.matchingPrecedence ?? 0,
      spec?.distinguisherMethod?.type ?? '<none>',
      ageOf(metadata.creationTimestamp, now),
      dangling?.status ?? '?',
    ];
  },
});

const priorityLevel = defineKind<PriorityLevelConfiguration>({
  group: GROUP,
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  default({ spec }) {
    if (spec?.exempt !== undefined) {
      fill(spec.exempt, 'nominalConcurrencyShares', 0);
      fill(spec.exempt, 'lendablePercent', 0);
    }
    if (spec?.limited === undefined) return;
    fill(spec.limited, 'nominalConcurrencyShares', 30);
    fill(spec.limited, 'lendablePercent', 0);
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing === undefined) return;
    queuing.queues ||= 64;
    queuing.handSize ||= 8;
    queuing.queueLengthLimit ||= 50;
  },
  validate({ spec }) {
    const errors = oneOf('spec.type', spec?.type, ['Exempt', 'Limited'], true);
    if (spec?.type === 'Limited' && spec.limited === undefined)
      errors.push(required('spec.limited', 'must not be empty when type is Limited'));
    if (spec?.type === 'Exempt' && spec.limited !== undefined)
      errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
    if (spec?.type === 'Limited' && spec.exempt !== undefined)
      errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
    const response = spec?.limited?.limitResponse;
    if (response !== undefined) {
      errors.push(...oneOf('spec.limited.limitResponse.type', response.type, ['Queue', 'Reject'], true));
      if (response.type === 'Queue' && response.queuing === undefined)
        errors.push(
          required('spec.limited.limitResponse.queuing', 'must not be empty if limit response type is Limited'),
        );
    }
    return errors;
  },
  columns: [
    ['Name', 'string', 'name', 0],
    ['Type', 'string', '', 0],
    ['NominalConcurrencyShares', 'integer', '', 0],
    ['Queues', 'integer', '', 0],
    ['HandSize', 'integer', '', 0],
    ['QueueLengthLimit', 'integer', '', 0],
    ['Age', 'string', '', 0],
  ],
  cells({ metadata, spec }, now) {
    const queuing = spec?.limited?.limitResponse?.queuing;
    return [
      metadata.name,
      spec?.type ?? '',
      spec?.limited?.nominalConcurrencyShares ?? '<none>',
      queuing?.queues ?? '<none>',
      queuing?.handSize ?? '<none>',
      queuing?.queueLengthLimit ?? '<none>',
      ageOf(metadata.creationTimestamp, now),
    ];
  },
});

export const flowControl: readonly KindBehaviour[] = [flowSchema, priorityLevel];
