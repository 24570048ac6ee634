// Decides what a server-side apply makes of an object and of who owns its fields: the client's part is merged in, what it
// applied before and no longer does goes unless someone else owns it, and what others own is a conflict unless forced.
// Never fills defaults, validates or stores.
import { toTime } from '../../base/clock.ts';
import { canonical } from '../canonical.ts';
import type { KubeObject } from '../object.ts';
import { appliedConfig, type ApplyTarget } from './applied-config.ts';
import { compare } from './compare.ts';
import { conflictsOf, conflictsOutside, type ApplyConflict } from './conflicts.ts';
import { difference, format, intersection, isEmpty, setOf, union, type Fields } from './fields.ts';
import { fieldsOfValue } from './fields-of.ts';
import { KUBECTL, lastAppliedFields, refreshLastApplied } from './last-applied.ts';
import { merge } from './merge.ts';
import { emptyObject, mergeRuleOf, type MergeRule } from './merge-rule.ts';
import { NO_OWNERS, entriesOf, keepTimes, mapFields, ownerKey, ownersOf, type Owner, type Owners } from './owners.ts';
import { remove, withNamedParents } from './remove.ts';
import { ownableRule } from './subresource.ts';
import { afterUpdate, bare } from './update.ts';
import { equalObjects } from '../equality.ts';

export interface ApplyRequest extends ApplyTarget {
  /** Undefined: the object is created. */
  current: KubeObject | undefined;
  /** As it was sent: every field in it is meant. */
  applied: unknown;
  manager: string;
  /** Takes what others own. */
  force: boolean;
  /** '' for the object proper. */
  subresource: string;
  /** Milliseconds since 1970. */
  now: number;
}

export interface ApplyResult {
  /** Canonical, without new defaults; with metadata.managedFields. Meaningless when there are conflicts. */
  object: KubeObject;
  conflicts: ApplyConflict[];
}

/** Owns what was there before anyone applied, on objects that were not tracked. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/** Throws ApiError 400 for what cannot be applied; neither `current` nor `applied` is changed. */
export function applyServerSide(request: ApplyRequest): ApplyResult {
  const config = appliedConfig(request, request.applied);
  const live = bare(request.current) ?? (emptyObject(request.typeName) as KubeObject);
  const owners = ownersBefore(request, live);
  const work: Work = { request, rule: mergeRuleOf(request.typeName), live, owners, config };
  let attempt = attemptApply(work, request.force);
  if (attempt.conflicts.length > 0 && request.manager === KUBECTL) attempt = settleWithLastApplied(work, attempt);
  return { object: finished(request, attempt), conflicts: attempt.conflicts };
}

/** Nobody owns the name, and yet metadata must not go with the last field that somebody applied in it. */
const IDENTITY = setOf(['f:metadata', 'f:name']);

interface Work {
  request: ApplyRequest;
  rule: MergeRule;
  live: KubeObject;
  owners: Owners;
  config: Record<string, unknown>;
}

interface Attempt {
  object: KubeObject;
  owners: Owners;
  conflicts: ApplyConflict[];
}

function ownersBefore(request: ApplyRequest, live: KubeObject): Owners {
  if (request.current === undefined) return NO_OWNERS;
  const owners = ownersOf(request.current.metadata.managedFields);
  if (owners.size > 0) return owners;
  return afterUpdate(NO_OWNERS, { ...request, before: undefined, after: live, manager: BEFORE_FIRST_APPLY });
}

function attemptApply({ request, rule, live, owners, config }: Work, force: boolean): Attempt {
  const { manager, apiVersion, subresource, now } = request;
  const identity = { manager, operation: 'Apply', apiVersion, subresource } as const;
  const key = ownerKey(identity);
  const ownable = ownableRule(request.typeName, subresource);
  const fields = format(fieldsOfValue(ownable, config));
  const claimed = new Map(owners).set(key, { ...identity, time: toTime(now), fields });
  const merged = merge(rule, live, config);
  const object = canonical(request.typeName, prune(rule, merged, claimed, owners.get(key)?.fields)).value as KubeObject;
  const { changed, removed } = compare(ownable, live, object);
  const others = new Map(claimed);
  others.delete(key);
  // Not what merely comes to be with its content: who owns an empty map has nothing to say about its first key.
  const conflicts = force ? [] : conflictsWith(others, intersection(changed, fields));
  const left = giveUp(claimed, key, changed, removed);
  return { object, owners: left, conflicts };
}

const conflictsWith = (owners: Owners, changed: Fields): ApplyConflict[] =>
  [...owners]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, owner]) => conflictsOf(owner, intersection(owner.fields, changed)));

/** Others lose what the apply changed or took away; the applier has what it applied and can own. */
function giveUp(claimed: Owners, mine: string, changed: Fields, removed: Fields): Owners {
  return mapFields(claimed, ({ fields }, key) =>
    key === mine ? fields : difference(difference(fields, changed), removed),
  );
}

/**
 * Takes away what this manager applied last time, does not apply now, and nobody owns: each step is
 * structured-merge-diff's `prune`. The whole former set goes first; then comes back what anyone owns; then what was never
 * this manager's, which went only because it stood below something that did.
 */
function prune(rule: MergeRule, merged: unknown, claimed: Owners, last: Fields | undefined): unknown {
  if (last === undefined || isEmpty(last)) return merged;
  const named = (fields: Fields): Fields => withNamedParents(rule, fields);
  const namedOf = (value: unknown): Fields => named(fieldsOfValue(rule, value));
  const former = named(last);
  const all = namedOf(merged);
  const owned = named([...claimed.values()].reduce((sum: Fields, owner: Owner) => union(sum, owner.fields), IDENTITY));
  const stripped = remove(rule, merged, former);
  const restored = remove(rule, merged, difference(all, union(namedOf(stripped), owned)), owned);
  return remove(rule, merged, intersection(difference(all, namedOf(restored)), former), owned);
}

/** kubectl cannot be in conflict with what kubectl itself applied on the client side. */
function settleWithLastApplied(work: Work, attempt: Attempt): Attempt {
  const { typeName, apiVersion } = work.request;
  const explained = lastAppliedFields(typeName, apiVersion, work.live);
  if (explained === undefined) return attempt;
  const conflicts = conflictsOutside(attempt.conflicts, explained);
  return conflicts.length === 0 ? attemptApply(work, true) : { ...attempt, conflicts };
}

function finished(request: ApplyRequest, { object, owners }: Attempt): KubeObject {
  const { current, manager, applied } = request;
  if (manager === KUBECTL) refreshLastApplied(object, applied as Record<string, unknown>);
  const entries = entriesOf(owners);
  const was = current?.metadata.managedFields;
  const isSame = current !== undefined && equalObjects(object, bare(current));
  const managedFields = isSame ? keepTimes(entries, was) : entries;
  if (managedFields !== undefined) object.metadata.managedFields = managedFields;
  return object;
}
