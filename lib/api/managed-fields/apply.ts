// Decides what a server-side apply makes of an object and of who owns its fields: the client's part is merged in, what it
// applied before and no longer does goes unless someone else owns it, and what others own is a conflict unless forced.
// Never fills defaults, validates or stores.
import { toTime } from '../../base/clock.ts';
import { canonical } from '../canonical.ts';
import type { KubeObject } from '../object.ts';
import { appliedConfig, type ApplyTarget } from './applied-config.ts';
import { compare } from './compare.ts';
import { conflictsOf, conflictsOutside, type ApplyConflict } from './conflicts.ts';
import { NO_FIELDS, difference, format, intersection, isEmpty, setOf, union, type Fields } from './fields.ts';
import { fieldsOfValue } from './fields-of.ts';
import { KUBECTL, lastAppliedFields, refreshLastApplied } from './last-applied.ts';
import { merge } from './merge.ts';
import { emptyObject, mergeRuleOf, type MergeRule } from './merge-rule.ts';
import { NO_OWNERS, entriesOf, keepTimes, mapFields, ownerKey, ownersOf, type Owner, type Owners } from './owners.ts';
import { remove, withNamedParents } from './remove.ts';
import { ownableRule } from './subresource.ts';
import { afterUpdate, bare } from './update.ts';
import { Differences, reconciled, type Version, type Versions } from './versions.ts';
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
  /** The other versions of the kind. Absent: all owners are taken to mean that of the request. */
  versions?: Versions | undefined;
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
  if (owners.size > 0) return reconciled(owners, request, live);
  return afterUpdate(NO_OWNERS, { ...request, before: undefined, after: live, manager: BEFORE_FIRST_APPLY });
}

function attemptApply(work: Work, force: boolean): Attempt {
  const { request, rule, live, owners, config } = work;
  const { manager, apiVersion, subresource, now } = request;
  const identity = { manager, operation: 'Apply', apiVersion, subresource } as const;
  const key = ownerKey(identity);
  const ownable = ownableRule(request.typeName, subresource);
  const fields = format(fieldsOfValue(ownable, config));
  const claimed = new Map(owners).set(key, { ...identity, time: toTime(now), fields });
  const merged = merge(rule, live, config);
  const pruned = prune(work, merged, claimed, owners.get(key));
  const object = canonical(request.typeName, pruned).value as KubeObject;
  const own = compare(ownable, live, object);
  const differences = new Differences(request, live, object, own);
  const others = new Map(claimed);
  others.delete(key);
  // Not what merely comes to be with its content: who owns an empty map has nothing to say about its first key.
  const meant = intersection(own.changed, fields);
  const changedIn = (version: string): Fields => {
    const told = differences.in(version);
    return told === own ? meant : (told?.changed ?? NO_FIELDS);
  };
  const conflicts = force ? [] : conflictsWith(others, changedIn);
  return { object, owners: giveUp(claimed, key, differences), conflicts };
}

const conflictsWith = (owners: Owners, changedIn: (version: string) => Fields): ApplyConflict[] =>
  [...owners]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, owner]) => conflictsOf(owner, intersection(owner.fields, changedIn(owner.apiVersion))));

/** Others lose what the apply changed or took away; the applier has what it applied and can own. */
function giveUp(claimed: Owners, mine: string, differences: Differences): Owners {
  return mapFields(claimed, ({ fields, apiVersion }, key) => {
    if (key === mine) return fields;
    const told = differences.in(apiVersion);
    return told === undefined ? NO_FIELDS : difference(difference(fields, told.changed), told.removed);
  });
}

/**
 * Takes away what this manager applied last time, does not apply now, and nobody owns: each step is
 * structured-merge-diff's `prune`. The whole former set goes first; then comes back what anyone owns, in its own version;
 * then what was never this manager's, which went only because it stood below something that did. All in the version of last time.
 */
function prune({ request, rule }: Work, merged: unknown, claimed: Owners, last: Owner | undefined): unknown {
  if (last === undefined || isEmpty(last.fields)) return merged;
  const here: Reading = { rule, to: (value) => value, back: (value) => value };
  const readingOf = (apiVersion: string): Reading | undefined => {
    if (apiVersion === request.apiVersion || request.versions === undefined) return here;
    const version = request.versions(apiVersion);
    return version === undefined ? undefined : readingIn(version);
  };
  const then = readingOf(last.apiVersion);
  if (then === undefined) return merged;
  const whole = then.to(merged);
  const former = withNamedParents(then.rule, last.fields);
  const owned = Map.groupBy(claimed.values(), ({ apiVersion }) =>
    request.versions === undefined ? last.apiVersion : apiVersion,
  );
  const ownedThen = ownedIn(then.rule, owned.get(last.apiVersion) ?? []);
  owned.delete(last.apiVersion);
  let left = addBack(then.rule, whole, remove(then.rule, whole, former), ownedThen);
  for (const [apiVersion, owners] of owned) {
    const there = readingOf(apiVersion);
    if (there === undefined) continue;
    const away = (value: unknown): unknown => there.to(then.back(value));
    const ownedThere = ownedIn(there.rule, owners);
    left = then.to(there.back(addBack(there.rule, away(whole), away(left), ownedThere)));
  }
  const fieldsOf = (value: unknown): Fields => withNamedParents(then.rule, fieldsOfValue(then.rule, value));
  const gone = intersection(difference(fieldsOf(whole), fieldsOf(left)), former);
  return then.back(remove(then.rule, whole, gone, ownedThen));
}

/** How the object of a request reads in a version. */
interface Reading {
  rule: MergeRule;
  to(value: unknown): unknown;
  back(value: unknown): unknown;
}

const readingIn = (version: Version): Reading => ({
  rule: mergeRuleOf(version.typeName),
  to: (value) => version.to(value as KubeObject),
  back: (value) => version.back(value as KubeObject),
});

const ownedIn = (rule: MergeRule, owners: readonly Owner[]): Fields =>
  withNamedParents(
    rule,
    owners.reduce((sum: Fields, owner) => union(sum, owner.fields), IDENTITY),
  );

/** What is left of a value, and what of the whole somebody owns. */
function addBack(rule: MergeRule, whole: unknown, left: unknown, owned: Fields): unknown {
  const fieldsOf = (value: unknown): Fields => withNamedParents(rule, fieldsOfValue(rule, value));
  return remove(rule, whole, difference(fieldsOf(whole), union(fieldsOf(left), owned)), owned);
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
