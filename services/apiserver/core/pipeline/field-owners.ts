// Decides what metadata.managedFields of a written object reads, and in whose name a request writes. Never decides what a
// manager may change.
import { tooLong, type FieldError } from '../../../../lib/api/field-error.ts';
import type { ManagedFieldsEntry } from '../../../../lib/api/generated/types.ts';
import { keepTimes, ownersProblem } from '../../../../lib/api/managed-fields/owners.ts';
import { updateManagedFields } from '../../../../lib/api/managed-fields/update.ts';
import { UnreadableVersion, type Versions } from '../../../../lib/api/managed-fields/versions.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { apiVersionOf } from '../../../../lib/api/resource.ts';
import { asKind } from '../admission/matching.ts';
import { nodeOf, type User } from '../auth/user.ts';
import { managerErrors } from '../write-options.ts';
import { isCustom, unservedVersion } from '../served-kinds.ts';
import type { WriteRequest } from './plan.ts';

export interface FieldManager {
  readonly name: string;
  /** False: who owns what is kept only of objects that somebody applied. */
  readonly tracksNew: boolean;
  /** An apply: the object says already who owns what. */
  readonly applies?: boolean;
}

const LONGEST_NAME = 128;

/** The query's fieldManager, or else the program that asks; an actor on the bus is what its identity says. */
export function managerName(query: URLSearchParams, userAgent: string, user: User): string {
  const asked = query.get('fieldManager') ?? '';
  if (asked !== '') return asked;
  const program = userAgent.split('/')[0]!.replace(/[^\x20-\x7e]/g, '');
  if (program !== '') return program.slice(0, LONGEST_NAME);
  if (nodeOf(user) !== undefined) return 'kubelet';
  return user.name.startsWith('system:') && user.groups.length > 0 ? user.name.slice('system:'.length) : 'unknown';
}

/** The other versions of a kind. Those of another group are none, though they be of the same objects (Events): so it is upstream. */
export function versionsOf(request: Pick<WriteRequest, 'kind' | 'view' | 'kinds'>): Versions {
  const { kind, kinds, view } = request;
  return (apiVersion) => {
    const [version, group = ''] = apiVersion.split('/').toReversed();
    const served = kinds?.find(group, version!, kind.ref.resource);
    const other = served ?? unservedVersion(view, kind, apiVersion);
    if (other !== undefined && group === kind.ref.group)
      return {
        typeName: other.typeName,
        to: (object) => asKind(kind, other, object)!,
        back: (object) => asKind(other, kind, object)!,
      };
    if (!isCustom(kind)) return undefined;
    throw new UnreadableVersion(`request to convert CR to an invalid group/version: ${apiVersion}`);
  };
}

/** `after` as the writer wants it: defaulted, but before admission and allocators, whose fields are nobody's. */
export function ownersAfter(
  request: WriteRequest,
  before: KubeObject | undefined,
  after: KubeObject,
): ManagedFieldsEntry[] | undefined {
  const { kind, info, fieldManager, now } = request;
  if (fieldManager === undefined) return before?.metadata.managedFields;
  if (fieldManager.applies === true) return after.metadata.managedFields;
  return updateManagedFields({
    typeName: kind.typeName,
    before,
    after,
    manager: fieldManager.name,
    apiVersion: apiVersionOf(kind.ref),
    subresource: info.subresource,
    now,
    tracksNew: fieldManager.tracksNew,
    versions: request.kinds === undefined ? undefined : versionsOf(request),
  });
}

export function setOwners(object: KubeObject, owners: ManagedFieldsEntry[] | undefined): void {
  if (owners === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = owners;
}

const INVALID_AFTER_ADMISSION =
  '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ';

/** What admission left of the owners that it was shown. What nobody could read is as it was before. */
export function ownersAdmitted(
  request: WriteRequest,
  object: KubeObject,
  owners: ManagedFieldsEntry[] | undefined,
): ManagedFieldsEntry[] | undefined {
  const left = object.metadata.managedFields;
  if (left === owners) return owners;
  const problem = ownersProblem(left ?? []);
  if (problem === undefined) return left?.length === 0 ? undefined : left;
  request.warn?.(`${INVALID_AFTER_ADMISSION}${problem}`);
  return owners;
}

/** Longest name of a part of an object. */
const LONGEST_SUBRESOURCE = 256;

/** Of owners that somebody sent; `was`: those that are stored, and were looked at then. */
export function ownersErrors(
  owners: readonly ManagedFieldsEntry[] | undefined,
  was: readonly ManagedFieldsEntry[] | undefined,
): FieldError[] {
  if (owners === was || owners === undefined) return [];
  return owners.flatMap(({ manager = '', subresource = '' }, i) => {
    const path = `metadata.managedFields[${i}]`;
    return [
      ...managerErrors(manager, `${path}.manager`),
      ...(subresource.length > LONGEST_SUBRESOURCE ? [tooLong(`${path}.subresource`, LONGEST_SUBRESOURCE)] : []),
    ];
  });
}

/** Times apart: they alone are no reason to write. */
export function sameOwners(object: KubeObject, old: KubeObject): boolean {
  const was = old.metadata.managedFields;
  return keepTimes(object.metadata.managedFields, was) === was;
}

/** An empty list asks to forget who owns what; decoding loses it, as it drops all empty lists. */
export function keepReset(sent: unknown, decoded: KubeObject): void {
  const owners: unknown = (sent as { metadata?: { managedFields?: unknown } } | null)?.metadata?.managedFields;
  if (Array.isArray(owners) && owners.length === 0) decoded.metadata.managedFields = [];
}
