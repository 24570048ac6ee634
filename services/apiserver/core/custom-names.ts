// Decides which names of a CRD are accepted and whether it is established: a name that another CRD of the group has first is
// not. Never serves anything.
import { equalJson } from '../../../lib/api/equality.ts';
import {
  approvalOf,
  approvalProblem,
  approvalText,
  conditionOf,
  type CrdCondition,
  isEstablished,
  isProtectedGroup,
  withCondition,
} from '../../../lib/api/kinds/custom-resource-definition.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { KINDS } from '../../../lib/api/kind.ts';

interface Names {
  plural: string;
  singular?: string;
  shortNames?: string[];
  kind: string;
  listKind?: string;
  categories?: string[];
}

interface Taken {
  resources: Set<string>;
  kinds: Set<string>;
}

/** Names that others of the group have: those that were accepted, and those of built-in kinds. */
function takenBy(others: readonly KubeObject[], group: string): Taken {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  const take = (names: Partial<Names>): void => {
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [names.kind, names.listKind]) if (name) kinds.add(name);
  };
  for (const other of others) if (other['spec'].group === group) take(other['status']?.acceptedNames ?? {});
  for (const kind of KINDS)
    if (kind.ref.group === group)
      take({
        plural: kind.ref.resource,
        singular: kind.singular,
        shortNames: [...kind.shortNames],
        kind: kind.ref.kind,
        listKind: kind.listKind,
      });
  return { resources, kinds };
}

interface Verdict {
  accepted: Names;
  condition: Omit<CrdCondition, 'type' | 'lastTransitionTime'>;
}

function judge(crd: KubeObject, taken: Taken): Verdict {
  const wanted = crd['spec'].names as Names;
  const accepted: Names = { plural: '', kind: '', ...crd['status']?.acceptedNames };
  // The last that does not go is the one that is told.
  let message = '';
  let reason = '';
  const claim = (field: 'plural' | 'singular' | 'kind' | 'listKind', word: string, set: Set<string>): void => {
    const name = wanted[field] ?? '';
    if (name !== '' && set.has(name)) {
      message = `${JSON.stringify(name)} is already in use`;
      reason = `${word}Conflict`;
    } else if (name === '') delete accepted[field as 'singular'];
    else accepted[field] = name;
  };
  claim('plural', 'Plural', taken.resources);
  claim('singular', 'Singular', taken.resources);
  const shorts = wanted.shortNames ?? [];
  const inUse = shorts.filter((name) => taken.resources.has(name));
  if (inUse.length > 0) {
    message = inUse.map((name) => `${JSON.stringify(name)} is already in use`).join(', ');
    message = inUse.length > 1 ? `[${message}]` : message;
    reason = 'ShortNamesConflict';
  } else if (shorts.length > 0) accepted.shortNames = shorts;
  else delete accepted.shortNames;
  claim('kind', 'Kind', taken.kinds);
  claim('listKind', 'ListKind', taken.kinds);
  if ((wanted.categories ?? []).length > 0) accepted.categories = wanted.categories!;
  else delete accepted.categories;
  return {
    accepted,
    condition:
      reason === ''
        ? { status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
        : { status: 'False', reason, message },
  };
}

const APPROVAL_CONDITION = 'KubernetesAPIApprovalPolicyConformant';

/** Undefined: the group is anybody's. */
function approvalCondition(crd: KubeObject): Omit<CrdCondition, 'type' | 'lastTransitionTime'> | undefined {
  if (!isProtectedGroup(crd)) return undefined;
  const text = JSON.stringify(approvalText(crd));
  switch (approvalOf(crd)) {
    case 'approved':
      return { status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${approvalText(crd)}` };
    case 'bypassed':
      return { status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${text}` };
    case 'missing':
      return { status: 'False', reason: 'MissingAnnotation', message: approvalProblem(crd) };
    default:
      return { status: 'False', reason: 'InvalidAnnotation', message: approvalProblem(crd) };
  }
}

/** The status that a CRD should have; undefined: it has it. `time` is RFC 3339. */
export function statusOfNames(crd: KubeObject, others: readonly KubeObject[], time: string): object | undefined {
  const { accepted, condition } = judge(crd, takenBy(others, crd['spec'].group));
  let status = { ...crd['status'], acceptedNames: accepted };
  const put = (one: Omit<CrdCondition, 'lastTransitionTime'>): void => {
    status = { ...status, conditions: withCondition({ ...crd, status }, { ...one, lastTransitionTime: time }) };
  };
  const approval = approvalCondition(crd);
  if (approval !== undefined) put({ type: APPROVAL_CONDITION, ...approval });
  put({ type: 'NamesAccepted', ...condition });
  // Once established it stays so: later conflicts of names do not take it away from its objects.
  if (!isEstablished(crd))
    put(
      condition.status === 'True'
        ? {
            type: 'Established',
            status: 'True',
            reason: 'InitialNamesAccepted',
            message: 'the initial names have been accepted',
          }
        : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    );
  return equalJson(status, crd['status']) ? undefined : status;
}

export const isTerminating = (crd: KubeObject): boolean =>
  crd.metadata.deletionTimestamp !== undefined || conditionOf(crd, 'Terminating')?.status === 'True';
