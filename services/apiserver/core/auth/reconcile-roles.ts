// Decides what a stored role or binding that every cluster is born with must become so that it says at least what it should, as
// component-helpers' reconciliation does: what was added stays, what is missing is added, and one that is marked to be left alone
// is. Never writes it.
import { equalJson } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { uncovered, type PolicyRule } from './rules.ts';

const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/** Undefined: it may stay as it is. */
export function reconciledRole(stored: KubeObject, wanted: KubeObject): KubeObject | undefined {
  if (isProtected(stored)) return undefined;
  const missing = uncovered(rulesOf(stored), rulesOf(wanted)).flatMap(verbByVerb);
  const selectors = selectorsOf(stored);
  const unselected = selectorsOf(wanted).filter((each) => !selectors.some((own) => equalJson(own, each)));
  const { aggregationRule: _aggregates, ...rest } = stored;
  const role: KubeObject = {
    ...rest,
    metadata: mergedMetadata(stored, wanted),
    // One that gathers others is not meant to have rules of its own.
    ...(wanted['aggregationRule'] === undefined
      ? {}
      : { aggregationRule: { ...stored['aggregationRule'], clusterRoleSelectors: [...selectors, ...unselected] } }),
    rules: missing.length === 0 ? stored['rules'] : [...rulesOf(stored), ...missing],
  };
  return equalJson(role, stored) ? undefined : role;
}

/** A role that a binding refers to cannot be changed: another one takes its place. */
export type Rebinding = { type: 'recreate' } | { type: 'update'; object: KubeObject };

export function reconciledBinding(stored: KubeObject, wanted: KubeObject): Rebinding | undefined {
  if (isProtected(stored)) return undefined;
  if (!equalJson(stored['roleRef'], wanted['roleRef'])) return { type: 'recreate' };
  const subjects = (stored['subjects'] ?? []) as unknown[];
  const missing = ((wanted['subjects'] ?? []) as unknown[]).filter(
    (each) => !subjects.some((own) => equalJson(own, each)),
  );
  const object: KubeObject = {
    ...stored,
    metadata: mergedMetadata(stored, wanted),
    subjects: missing.length === 0 ? stored['subjects'] : [...subjects, ...missing],
  };
  return equalJson(object, stored) ? undefined : { type: 'update', object };
}

const isProtected = ({ metadata }: KubeObject): boolean => metadata.annotations?.[AUTO_UPDATE] === 'false';

const rulesOf = (role: KubeObject): PolicyRule[] => (role['rules'] ?? []) as PolicyRule[];

const verbByVerb = (rule: PolicyRule): PolicyRule[] => rule.verbs.map((verb) => ({ ...rule, verbs: [verb] }));

const selectorsOf = (role: KubeObject): unknown[] => role['aggregationRule']?.clusterRoleSelectors ?? [];

/** What somebody wrote there goes before what is wanted. */
function mergedMetadata({ metadata }: KubeObject, { metadata: wanted }: KubeObject): KubeObject['metadata'] {
  return {
    ...metadata,
    ...(wanted.labels === undefined ? {} : { labels: { ...wanted.labels, ...metadata.labels } }),
    ...(wanted.annotations === undefined ? {} : { annotations: { ...wanted.annotations, ...metadata.annotations } }),
  };
}
