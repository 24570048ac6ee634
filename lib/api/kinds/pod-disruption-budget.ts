// Decides what a disruption budget is: how many pods must stay, or may go. Never allows an eviction (the API actor does) and
// never counts (a controller does).
import { ageOf } from '../age.ts';
import { GoText, invalidValue, oneOf, type FieldError } from '../field-error.ts';
import { percent } from '../formats.ts';
import type { PodDisruptionBudget } from '../generated/types.ts';
import { percentOf, type IntOrString } from '../int-or-string.ts';
import { defineKind } from '../object.ts';
import { validateSelector } from '../selectors.ts';
import { validateConditions } from './status-rules.ts';
import { NEGATIVE, notNegative } from './workload.ts';

function validateAmount(value: IntOrString | undefined, path: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return value < 0 ? [invalidValue(path, value, NEGATIVE)] : [];
  const printed = GoText.intOrString(value);
  const wrong = percent(value).map((told) => invalidValue(path, printed, told));
  if (wrong.length > 0) return wrong;
  return (percentOf(value) ?? 0) > 100 ? [invalidValue(path, printed, 'must not be greater than 100%')] : [];
}

const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  // Upstream asks no more of it than of any path.
  nameRule: 'pathSegment',
  validate({ spec = {} }) {
    const errors: FieldError[] = [];
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
      errors.push(invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
    return [
      ...errors,
      ...validateAmount(spec.minAvailable, 'spec.minAvailable'),
      ...validateAmount(spec.maxUnavailable, 'spec.maxUnavailable'),
      ...validateSelector(spec.selector, 'spec.selector'),
      ...oneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
    ];
  },
  validateStatusUpdate: ({ status }) => [
    ...validateConditions(status?.conditions),
    ...COUNTS.flatMap((count) => notNegative(status?.[count], `status.${count}`)),
  ],
  cells: ({ metadata, spec = {}, status }, now) => [
    metadata.name,
    spec.minAvailable === undefined ? 'N/A' : String(spec.minAvailable),
    spec.maxUnavailable === undefined ? 'N/A' : String(spec.maxUnavailable),
    status?.disruptionsAllowed ?? 0,
    ageOf(metadata.creationTimestamp, now),
  ],
});
