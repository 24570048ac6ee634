// Decides what the two kinds of flow control are: which requests belong together, and how many of them run at once. Never
// queues a request.
import { ageOf } from '../age.ts';
import { duplicate, forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type {
  ExemptPriorityLevelConfiguration,
  FlowSchema,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  ObjectMeta,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { validateFlowSchemaSpec } from './flow-rules.ts';

const GROUP = 'flowcontrol.apiserver.k8s.io';
const POSITIVE = 'must be positive';

interface Conditions {
  status?: { conditions?: ReadonlyArray<{ type?: string }> };
}

/** Conditions have a type, each another. */
function validateConditions({ status }: Conditions): FieldError[] {
  const types = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type = '' }, i) => {
    const path = `status.conditions[${i}].type`;
    const errors = types.has(type) ? [duplicate(path, type)] : [];
    types.add(type);
    return type === '' ? [...errors, required(path, 'must not be empty')] : errors;
  });
}

/** A status writer writes nothing else; labels and annotations are not his either. */
function keepMetadata(object: { metadata: ObjectMeta }, { metadata: was }: { metadata: ObjectMeta }): void {
  const { resourceVersion, managedFields } = object.metadata;
  object.metadata = {
    ...was,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(managedFields === undefined ? {} : { managedFields }),
  };
}

const precedenceOf = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 0;

const flowSchema = defineKind<FlowSchema>({
  group: GROUP,
  version: 'v1',
  kind: 'FlowSchema',
  default({ spec }) {
    if (spec !== undefined && !spec.matchingPrecedence) spec.matchingPrecedence = 1000;
  },
  validate: (object) => [
    ...validateFlowSchemaSpec(object.metadata.name ?? '', object.spec ?? {}),
    ...validateConditions(object as Conditions),
  ],
  validateStatusUpdate: (object) => validateConditions(object as Conditions),
  prepareForStatusUpdate: keepMetadata,
  rowOrder: (a, b) => precedenceOf(a) - precedenceOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  cells(object, now) {
    const { metadata, spec, status } = object;
    const dangling = (status?.conditions ?? []).find(({ type }) => type === 'Dangling');
    return [
      metadata.name,
      spec?.priorityLevelConfiguration?.name ?? '',
      precedenceOf(object),
      spec?.distinguisherMethod?.type ?? '<none>',
      ageOf(metadata.creationTimestamp, now),
      dangling?.status ?? '?',
    ];
  },
});

const MOST_QUEUES = 10_000_000;
const HASH_BITS = 60;

/** How many bits a hand of so many cards out of a deck of so many takes. */
const entropyBits = (deckSize: number, handSize: number): number =>
  Math.ceil(
    Array.from({ length: handSize }, (_, i) => Math.log2(Math.max(deckSize - i, 1))).reduce(
      (sum, bits) => sum + bits,
      0,
    ),
  );

function validateQueuing(queuing: QueuingConfiguration, path: string): FieldError[] {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const errors = queueLengthLimit <= 0 ? [invalidValue(`${path}.queueLengthLimit`, queueLengthLimit, POSITIVE)] : [];
  if (queues <= 0) errors.push(invalidValue(`${path}.queues`, queues, POSITIVE));
  else if (queues > MOST_QUEUES)
    errors.push(invalidValue(`${path}.queues`, queues, `must not be greater than ${MOST_QUEUES}`));
  if (handSize <= 0) return [...errors, invalidValue(`${path}.handSize`, handSize, POSITIVE)];
  if (handSize > queues)
    return [...errors, invalidValue(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`)];
  if (entropyBits(queues, handSize) > HASH_BITS)
    errors.push(
      invalidValue(
        `${path}.handSize`,
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS}`,
      ),
    );
  return errors;
}

function validateShares(shares: ExemptPriorityLevelConfiguration, path: string) {
  const { nominalConcurrencyShares: nominal = 0, lendablePercent: percent = 0 } = shares;
  return {
    nominal:
      nominal < 0 ? [invalidValue(`${path}.nominalConcurrencyShares`, nominal, 'must be a non-negative integer')] : [],
    lendable:
      percent < 0 || percent > 100
        ? [invalidValue(`${path}.lendablePercent`, percent, 'must be between 0 and 100, inclusive')]
        : [],
  };
}

function validateResponse({ type = '', queuing }: Partial<LimitResponse>, path: string): FieldError[] {
  if (type === 'Reject')
    return queuing === undefined
      ? []
      : [forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')];
  if (type !== 'Queue') return [notSupported(`${path}.type`, type, ['Queue', 'Reject'])];
  return queuing === undefined
    ? [required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')]
    : validateQueuing(queuing, `${path}.queuing`);
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: string): FieldError[] {
  const { nominal, lendable } = validateShares(limited, path);
  const borrowed = limited.borrowingLimitPercent ?? 0;
  return [
    ...nominal,
    ...validateResponse(limited.limitResponse ?? {}, `${path}.limitResponse`),
    ...lendable,
    ...(borrowed < 0
      ? [invalidValue(`${path}.borrowingLimitPercent`, borrowed, 'if specified, must be a non-negative integer')]
      : []),
  ];
}

function validateLevel({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const { type = '', exempt, limited } = spec ?? {};
  const errors =
    (metadata.name === 'exempt') === (type === 'Exempt')
      ? []
      : [invalidValue('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'")];
  if (type === 'Exempt') {
    if (limited !== undefined) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
    const shares = validateShares(exempt ?? {}, 'spec.exempt');
    return [...errors, ...shares.nominal, ...shares.lendable];
  }
  if (type !== 'Limited') return [...errors, notSupported('spec.type', type, ['Exempt', 'Limited'])];
  if (exempt !== undefined) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
  if (limited === undefined) return [...errors, required('spec.limited', 'must not be empty when type is Limited')];
  return [...errors, ...validateLimited(limited, 'spec.limited')];
}

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
  validate: (object) => [...validateLevel(object), ...validateConditions(object as Conditions)],
  validateStatusUpdate: (object) => validateConditions(object as Conditions),
  prepareForStatusUpdate: keepMetadata,
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
