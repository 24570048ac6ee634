// Decides how metadata.managedFields reads and is written: who owns which fields, one entry for each manager, operation,
// version and subresource. Never decides who comes to own a field.
import { equalJson } from '../equality.ts';
import type { ManagedFieldsEntry } from '../generated/types.ts';
import { format, isEmpty, parse, union, type Fields } from './fields.ts';

export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  /** In order (`format`), so that equal owners are equal bytes. */
  readonly fields: Fields;
  /** Where it was read from: written again as it is unless something changed. */
  readonly entry?: ManagedFieldsEntry;
}

/** By identity, as `ownerKey` makes it. */
export type Owners = ReadonlyMap<string, Owner>;

export const NO_OWNERS: Owners = new Map();
/** Updates come from many hands: when there are more, the oldest become one. */
export const MOST_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

type Identity = Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

/** Who applies is the same in every version; who updates is another in another version. Orders the managers of a conflict. */
export function ownerKey({ manager, operation, apiVersion, subresource }: Identity): string {
  return JSON.stringify({
    ...(manager === '' ? {} : { manager }),
    operation,
    ...(operation === 'Apply' ? {} : { apiVersion }),
    ...(subresource === '' ? {} : { subresource }),
  });
}

/** Entries that we wrote. */
export function ownersOf(entries: readonly ManagedFieldsEntry[] | undefined): Owners {
  return collect(entries ?? [], (fields) => fields as Fields);
}

/** Entries that a client sent; undefined when one of them is broken. */
export function readOwners(entries: readonly ManagedFieldsEntry[]): Owners | undefined {
  if (entries.some((entry, i) => formProblem(entry, i) !== undefined)) return undefined;
  try {
    return mapFields(
      collect(entries, (fields) => format(parse(fields))),
      ({ fields }) => fields,
    );
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Why entries cannot be read; undefined: they can. */
export function ownersProblem(entries: readonly ManagedFieldsEntry[]): string | undefined {
  for (const [i, entry] of entries.entries()) {
    const problem = formProblem(entry, i);
    if (problem !== undefined) return problem;
    try {
      parse(entry.fieldsV1 ?? {});
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return `error decoding versioned set: error decoding set: ${error.message}`;
    }
  }
  return undefined;
}

function formProblem({ operation, apiVersion, fieldsType }: ManagedFieldsEntry, i: number): string | undefined {
  if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`';
  if ((apiVersion ?? '') === '') return 'apiVersion must not be empty';
  if ((fieldsType ?? '') === '') return `missing fieldsType in managed fields entry ${i}`;
  return fieldsType === 'FieldsV1'
    ? undefined
    : `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${i}`;
}

function collect(entries: readonly ManagedFieldsEntry[], fieldsOf: (fieldsV1: unknown) => Fields): Owners {
  const owners = new Map<string, Owner>();
  for (const entry of entries) {
    const fields = fieldsOf(entry.fieldsV1 ?? {});
    const owner: Owner = {
      manager: entry.manager ?? '',
      operation: entry.operation as Owner['operation'],
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields,
      ...(fields === entry.fieldsV1 ? { entry } : {}),
    };
    owners.set(ownerKey(owner), owner);
  }
  return owners;
}

/** For metadata.managedFields: applies first, then by time. Undefined when nobody owns anything. */
export function entriesOf(owners: Owners): ManagedFieldsEntry[] | undefined {
  if (owners.size === 0) return undefined;
  return [...owners.values()].toSorted(inEntryOrder).map(entryOf);
}

function inEntryOrder(a: Owner, b: Owner): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function entryOf(owner: Owner): ManagedFieldsEntry {
  const { manager, operation, apiVersion, time, fields, subresource, entry } = owner;
  if (entry?.fieldsV1 === fields && entry.time === time) return entry;
  const out: ManagedFieldsEntry = { manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: fields };
  if (manager === '') delete out.manager;
  if (time === undefined) delete out.time;
  if (subresource !== '') out.subresource = subresource;
  return out;
}

/** The same owners, each with what `fields` leaves of its set; who owns nothing any more is gone. */
export function mapFields(owners: Owners, fields: (owner: Owner, key: string) => Fields): Map<string, Owner> {
  const out = new Map<string, Owner>();
  for (const [key, owner] of owners) {
    const left = fields(owner, key);
    if (!isEmpty(left)) out.set(key, left === owner.fields ? owner : { ...owner, fields: left });
  }
  return out;
}

/** At most MOST_UPDATERS updates: the oldest of each version are taken together. */
export function capUpdaters(owners: Map<string, Owner>): Map<string, Owner> {
  if (owners.size <= MOST_UPDATERS) return owners;
  const updaters = [...owners].filter(([, owner]) => owner.operation === 'Update');
  const most = owners.size - updaters.length + MOST_UPDATERS;
  if (owners.size <= most) return owners;
  updaters.sort(([keyA, a], [keyB, b]) => compareText(a.time ?? '', b.time ?? '') || compareText(keyA, keyB));
  const oldest = new Map<string, Owner>();
  for (const [, owner] of updaters) {
    if (owners.size <= most) break;
    const first = oldest.get(owner.apiVersion);
    const bucket = first === undefined ? owner : together(owners, first, owner);
    oldest.set(owner.apiVersion, bucket);
  }
  return owners;
}

function together(owners: Map<string, Owner>, first: Owner, second: Owner): Owner {
  const bucket = ancient(second);
  const key = ownerKey(bucket);
  const held = owners.get(key)?.fields ?? {};
  owners.delete(ownerKey(first));
  owners.delete(ownerKey(second));
  const whole = { ...bucket, fields: format(union(held, union(first.fields, second.fields))) };
  owners.set(key, whole);
  return whole;
}

const ancient = ({ apiVersion, time }: Owner): Owner => ({
  manager: ANCIENT,
  operation: 'Update',
  apiVersion,
  subresource: '',
  time,
  fields: {},
});

/** Times are not what a write is about: where nothing else is new, the old entries stand. */
export function keepTimes(
  entries: ManagedFieldsEntry[] | undefined,
  old: ManagedFieldsEntry[] | undefined,
): ManagedFieldsEntry[] | undefined {
  if (entries === undefined || entries.length !== old?.length) return entries;
  const was = ownersOf(old);
  const isSame = [...ownersOf(entries)].every(([key, owner]) => {
    const before = was.get(key);
    return before?.apiVersion === owner.apiVersion && equalJson(before.fields, owner.fields);
  });
  return isSame ? old : entries;
}
