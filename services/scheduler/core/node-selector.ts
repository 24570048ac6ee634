// Decides whether a node matches a node selector term: labels by six operators, and its name as a field. Never scores.
import { ownValue } from '../../../lib/base/records.ts';
import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from '../../../lib/api/generated/types.ts';

type Match = (value: string | undefined, values: readonly string[]) => boolean;

const INTEGER = /^-?\d+$/;
const compare =
  (holds: (a: bigint, b: bigint) => boolean): Match =>
  (value, values) =>
    value !== undefined &&
    INTEGER.test(value) &&
    INTEGER.test(values[0] ?? '') &&
    holds(BigInt(value), BigInt(values[0]!));

const OPERATORS: Record<string, Match> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: compare((a, b) => a > b),
  Lt: compare((a, b) => a < b),
};

function holds({ operator, values }: NodeSelectorRequirement, value: string | undefined): boolean {
  return OPERATORS[operator]?.(value, values ?? []) ?? false;
}

/** All requirements of the term; a term without any matches nothing. */
export function matchesTerm(node: Node, term: NodeSelectorTerm): boolean {
  const labels = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (labels.length + fields.length === 0) return false;
  return (
    labels.every((one) => holds(one, ownValue(node.metadata.labels, one.key))) &&
    fields.every((one) => holds(one, one.key === 'metadata.name' ? node.metadata.name : undefined))
  );
}
