// Decides who owns which fields after a create, update or patch: the writer what it changed, nobody what is gone, everyone
// else what they had. Never changes the object and never refuses.
import type { TypeName } from '../custom/custom-type.ts';
import { toTime } from '../../base/clock.ts';
import { equalJson } from '../equality.ts';
import type { ManagedFieldsEntry } from '../generated/types.ts';
import type { KubeObject } from '../object.ts';
import { changedFields, compare, type Difference } from './compare.ts';
import { NO_FIELDS, difference, format, isEmpty, union, type Fields } from './fields.ts';
import { emptyObject } from './merge-rule.ts';
import {
  NO_OWNERS,
  capUpdaters,
  entriesOf,
  entryOf,
  mapFields,
  ownerKey,
  ownersOf,
  readOwners,
  type Owner,
  type Owners,
} from './owners.ts';
import { ownableRule } from './subresource.ts';
import { Differences, UnreadableVersion, hasOtherVersions, reconciled, type Versions } from './versions.ts';

export interface UpdateRequest {
  /** `apps.v1.Deployment` */
  typeName: TypeName;
  /** Undefined: the object is created. */
  before: KubeObject | undefined;
  /** As the writer wants it, with defaults. What admission adds later is nobody's. */
  after: KubeObject;
  manager: string;
  /** Of the request: `apps/v1`. */
  apiVersion: string;
  /** `status`, `scale`, …; '' for the object proper. */
  subresource: string;
  /** Milliseconds since 1970. */
  now: number;
  /** False: objects that nobody has applied yet are not tracked. */
  tracksNew?: boolean;
  /** The other versions of the kind. Absent: all owners are taken to mean that of the request. */
  versions?: Versions | undefined;
}

/** For metadata.managedFields of the written object; undefined: it has none. */
export function updateManagedFields(request: UpdateRequest): ManagedFieldsEntry[] | undefined {
  const owners = startOf(request);
  if (owners.size > 0) return entriesAfter(owners, request);
  const isTracked = request.before === undefined && request.tracksNew !== false;
  const { changed } = isTracked ? differenceOf(request) : NO_DIFFERENCE;
  return isEmpty(changed) ? undefined : [entryOf(updaterOf(request, changed))];
}

/** Whatever cannot be read is no reason to refuse a write: then nobody owns anything any more. */
function entriesAfter(owners: Owners, request: UpdateRequest): ManagedFieldsEntry[] | undefined {
  try {
    return entriesOf(afterUpdate(owners, request));
  } catch (error) {
    if (!(error instanceof UnreadableVersion)) throw error;
    return undefined;
  }
}

const NO_DIFFERENCE: Difference = { changed: NO_FIELDS, removed: NO_FIELDS };

const updaterOf = (
  { manager, apiVersion, subresource, now }: Omit<UpdateRequest, 'tracksNew'>,
  fields: Fields,
): Owner => ({
  manager,
  operation: 'Update',
  apiVersion,
  subresource,
  time: toTime(now),
  fields,
});

/**
 * A writer may send owners of its own (kubectl's way from client-side to server-side apply does), and clear them by an empty
 * list or `[{}]`. Leaving them out or sending broken ones keeps those there are: most clients do not know of them.
 */
function startOf({ before, after, subresource }: UpdateRequest): Owners {
  const had = before?.metadata.managedFields;
  const live = had === undefined ? NO_OWNERS : ownersOf(had);
  const sent = after.metadata.managedFields;
  if (subresource !== '' || sent === undefined) return live;
  if (isReset(sent)) return NO_OWNERS;
  // Most writers send back what they read: that need not be checked again.
  return equalJson(sent, had) ? live : (readOwners(sent) ?? live);
}

const isReset = (entries: readonly ManagedFieldsEntry[]): boolean =>
  entries.length === 0 || (entries.length === 1 && isEmpty(entries[0] as object as Record<string, never>));

/** The owners once the update is made. Fields that the writer changed are its own alone, fields that are gone nobody's. */
export function afterUpdate(had: Owners, request: Omit<UpdateRequest, 'tracksNew'>): Owners {
  const owners = reconciled(had, request, request.before ?? request.after);
  const own = differenceOf(request);
  const { changed, removed } = own;
  if (!hasOtherVersions(owners, request.apiVersion)) {
    if (isEmpty(changed) && isEmpty(removed)) return owners;
    return withChanged(
      mapFields(owners, ({ fields }) => difference(difference(fields, changed), removed)),
      request,
      changed,
    );
  }
  const differences = new Differences(request, request.before ?? emptyObject(request.typeName), request.after, own);
  const left = mapFields(owners, ({ apiVersion, fields }) => {
    const told = differences.in(apiVersion);
    return told === undefined ? NO_FIELDS : difference(difference(fields, told.changed), told.removed);
  });
  return withChanged(left, request, changed);
}

const withChanged = (
  left: Map<string, Owner>,
  request: Omit<UpdateRequest, 'tracksNew'>,
  changed: Fields,
): Map<string, Owner> => (isEmpty(changed) ? left : capUpdaters(withMine(left, request, changed)));

/** A new object lacks nothing. */
function differenceOf({ typeName, before, after, subresource }: Omit<UpdateRequest, 'tracksNew'>): Difference {
  const rule = ownableRule(typeName, subresource);
  if (before !== undefined) return compare(rule, before, after);
  return { changed: changedFields(rule, emptyObject(typeName), after), removed: NO_FIELDS };
}

function withMine(
  owners: Map<string, Owner>,
  request: Omit<UpdateRequest, 'tracksNew'>,
  mine: Fields,
): Map<string, Owner> {
  const updater = updaterOf(request, mine);
  const key = ownerKey(updater);
  const had = owners.get(key)?.fields;
  return owners.set(key, had === undefined ? updater : { ...updater, fields: format(union(had, mine)) });
}

/** Without managedFields: they are about the others, not one of them. */
export function bare<T extends KubeObject | undefined>(object: T): T {
  if (object?.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
