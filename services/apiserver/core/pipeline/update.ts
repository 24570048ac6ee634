// Decides what an update makes of an object: which parts a writer may touch, the revision check, whether anything
// changed, and whether the last finalizer is gone. Never creates one.
import { equalJson } from '../../../../lib/api/equality.ts';
import { invalid, type FieldError } from '../../../../lib/api/field-error.ts';
import type { Pod } from '../../../../lib/api/generated/types.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { validateEphemeralContainers } from '../../../../lib/api/pod/ephemeral.ts';
import { resizedSpec, validateResize } from '../../../../lib/api/pod/resize.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { mutate, mutateByOthers, validateAdmission } from '../admission/index.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { chargeQuotas } from '../admission/resource-quota.ts';
import { isCustom, streamOfKind } from '../served-kinds.ts';
import { allocateForService, releaseOf } from '../service-addresses.ts';
import { ownersAdmitted, ownersAfter, ownersErrors, sameOwners, setOwners } from './field-owners.ts';
import { ownersOnce } from './owner-references.ts';
import { checkNamespace, holdsNamespace, place } from './namespace.ts';
import {
  ALONE,
  conflict,
  planRemoved,
  planUnchanged,
  planUpdated,
  type Companions,
  type Plan,
  type WriteRequest,
} from './plan.ts';

/** Which part of the object the request is about. */
export type Part = 'main' | 'status' | 'finalize' | 'approval' | 'ephemeralcontainers' | 'resize';

/** `decoded` is the whole wanted object, with defaults. It is changed. */
export function planUpdate(request: WriteRequest, current: CachedObject, decoded: KubeObject, part: Part): Plan {
  const object = decoded;
  const old = current.object;
  checkIdentity(request, object, old);
  checkRevision(request, object, current);
  if (request.info.verb !== 'patch') ownersOnce(request, object, 'sent');
  const computed = ownersAfter(request, old, object);
  setOwners(object, computed);
  object.metadata.namespace = old.metadata.namespace;
  if (object.metadata.namespace === undefined) delete object.metadata.namespace;
  let owners = computed;
  const admitted = (): void => {
    settle(request, object, current);
    owners = ownersAdmitted(request, object, computed);
    ownersOnce(request, object, 'admitted');
  };
  const addresses = prepare(request, object, old, part, admitted);
  setOwners(object, owners);
  const errors = [
    ...ownersErrors(owners, old.metadata.managedFields),
    ...problems(request, object, old, part),
    ...addresses.errors,
  ];
  if (errors.length > 0) throw invalid(request.kind.ref, object.metadata.name, errors);
  if (part === 'main') warn(request, object, old);
  validateAdmission(request, object, old);
  if (isFinished(object)) return planRemoved(request.kind, current, object, releaseOf(object));
  if (sameContent(object, old) && !isStoredOtherwise(request)) return planUnchanged(current);
  return planUpdated(request.kind, current, object, together(addresses.companions, chargeQuotas(request, object, old)));
}

/** What admission made of the object is in its place still, of the revision that was seen, and what the server keeps is as it was. */
function settle(request: WriteRequest, object: KubeObject, current: CachedObject): void {
  const { kind } = request;
  const { metadata: was } = current.object;
  place(request, object);
  const { metadata } = object;
  metadata.name ??= '';
  checkRevision(request, object, current);
  if ((metadata.uid ?? '') === '') metadata.uid = was.uid;
  metadata.creationTimestamp = was.creationTimestamp;
  if (was.deletionTimestamp !== undefined) metadata.deletionTimestamp = was.deletionTimestamp;
  if (!kind.hasGeneration && metadata.generation !== was.generation) keepGeneration(metadata, was);
}

function keepGeneration(metadata: KubeObject['metadata'], { generation }: KubeObject['metadata']): void {
  if (generation === undefined) delete metadata.generation;
  else metadata.generation = generation;
}

/** Of what was there before its writer was told then; and a pod's spec hardly changes. */
function warn(request: WriteRequest, object: KubeObject, old: KubeObject): void {
  const { kind } = request;
  if (kind.ref.kind === 'Pod' || (kind.hasGeneration && object.metadata.generation === old.metadata.generation)) return;
  for (const warning of kind.warnings(object)) request.warn?.(warning);
}

const together = (some: Companions, more: Companions): Companions => ({
  compares: [...some.compares, ...more.compares],
  operations: [...some.operations, ...more.operations],
});

function checkIdentity(request: WriteRequest, object: KubeObject, old: KubeObject): void {
  const { info, kind } = request;
  checkNamespace(request, object);
  const name = object.metadata.name ?? '';
  checkName(name, info.name);
  const uid = object.metadata.uid ?? '';
  // Who patches says what it shall be, and is told with all else that it may not change.
  if (info.verb !== 'patch' && uid !== '' && uid !== old.metadata.uid)
    throw conflict(
      kind,
      name,
      `StorageError: invalid object, Code: 4, Key: ${toldKey(kind, object.metadata.namespace ?? info.namespace, name)}, ` +
        `ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  // Whatever is sent: when it came to be does not change.
  object.metadata.creationTimestamp = old.metadata.creationTimestamp;
}

export function checkName(name: string, wanted: string): void {
  if (name === '')
    throw new ApiError(
      'BadRequest',
      `the name of the object (${wanted} based on URL) was undeterminable: name must be provided`,
    );
  if (name !== wanted)
    throw new ApiError('BadRequest', `the name of the object (${name}) does not match the name on the URL (${wanted})`);
}

/** Where upstream keeps these; all others are by their resource. */
const KEPT_AT: Readonly<Record<string, string>> = {
  '/nodes': 'minions',
  '/replicationcontrollers': 'controllers',
  '/services': 'services/specs',
  '/endpoints': 'services/endpoints',
  'networking.k8s.io/ingresses': 'ingress',
};
/** Served by servers of their own within upstream's, as custom resources are. */
const KEPT_BY_GROUP = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

/** The key that clients of upstream are told of. */
function toldKey(kind: Kind, namespace: string, name: string): string {
  const { group, resource, namespaced } = kind.ref;
  const byGroup = isCustom(kind) || KEPT_BY_GROUP.has(group);
  const folder = byGroup ? `${group}/${resource}` : (KEPT_AT[`${group}/${resource}`] ?? resource);
  return `/${folder}${namespaced ? `/${namespace}` : ''}/${name}`;
}

/** An update that names a revision must name the present one. Without one it is unconditional, where the kind allows. */
function checkRevision(request: WriteRequest, object: KubeObject, current: CachedObject): void {
  const wanted = object.metadata.resourceVersion ?? '';
  if (wanted === '' || wanted === '0') {
    if (request.kind.allowsUnconditionalUpdate) return;
    const { group, resource } = request.kind.ref;
    // Told of the resource, and with the number as Go prints it: so it is upstream.
    throw invalid({ group, kind: resource }, current.name, [
      {
        code: 'FieldValueInvalid',
        path: 'metadata.resourceVersion',
        message: 'Invalid value: 0x0: must be specified for an update',
      },
    ]);
  }
  if (!/^\d+$/.test(wanted))
    throw new ApiError('', `strconv.ParseUint: parsing ${JSON.stringify(wanted)}: invalid syntax`);
  if (wanted !== String(current.revision)) throw conflict(request.kind, current.name);
}

/** `admitted` is called once others have changed what they would. */
function prepare(
  request: WriteRequest,
  object: KubeObject,
  old: KubeObject,
  part: Part,
  admitted: () => void,
): ReturnType<typeof allocateForService> {
  const { kind } = request;
  if (part !== 'main') {
    mutateByOthers(request, object, old);
    admitted();
  }
  if (part === 'status' || part === 'approval') {
    kind.prepareForStatusUpdate(object, old, toTime(request.now), part);
    if (part === 'approval') conditionsOnly(object, old);
  } else if (part === 'finalize') finalizersOnly(object, old);
  else if (part === 'ephemeralcontainers') ephemeralContainersOnly(object, old);
  else if (part === 'resize') resourcesOnly(object, old);
  else {
    kind.prepareForUpdate(object, old);
    mutate(request, object, old);
    admitted();
    if (kind.ref.group === '' && kind.ref.resource === 'services') return allocateForService(request, object, old);
  }
  return { companions: ALONE satisfies Companions, errors: [] };
}

/** `/finalize` of a namespace: only spec.finalizers. */
function finalizersOnly(object: KubeObject, old: KubeObject): void {
  const finalizers: unknown = object['spec']?.finalizers;
  const metadata = structuredClone(old.metadata);
  for (const field of Object.keys(object)) delete object[field];
  Object.assign(object, structuredClone(old), { metadata });
  if (finalizers === undefined) delete object['spec']?.finalizers;
  else object['spec'] = { ...object['spec'], finalizers };
}

/** `/approval` of a signing request: what is decided, not what was signed. */
function conditionsOnly(object: KubeObject, old: KubeObject): void {
  const conditions: unknown = object['status']?.conditions;
  object['status'] = { ...structuredClone(old['status']), conditions };
  if (conditions === undefined) delete object['status'].conditions;
}

/** `/ephemeralcontainers` of a pod: nothing else of it, whatever was sent. */
function ephemeralContainersOnly(object: KubeObject, old: KubeObject): void {
  const ephemeralContainers: unknown = object['spec']?.ephemeralContainers;
  for (const field of Object.keys(object)) delete object[field];
  Object.assign(object, structuredClone(old));
  if (ephemeralContainers === undefined) delete object['spec'].ephemeralContainers;
  else object['spec'].ephemeralContainers = ephemeralContainers;
  countChange(object, old);
}

function countChange(object: KubeObject, old: KubeObject): void {
  if (!equalJson(object['spec'], old['spec'])) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** `/resize` of a pod: what its containers ask for and may have. */
function resourcesOnly(object: KubeObject, old: KubeObject): void {
  const spec = resizedSpec(object['spec'], old['spec']);
  for (const field of Object.keys(object)) delete object[field];
  Object.assign(object, structuredClone(old), { spec });
  countChange(object, old);
}

function problems(request: WriteRequest, object: KubeObject, old: KubeObject, part: Part): FieldError[] {
  if (part === 'status' || part === 'approval') return request.kind.validateStatusUpdate(object, old, part);
  if (part === 'finalize') return [];
  if (part === 'ephemeralcontainers')
    return validateEphemeralContainers(object as unknown as Pod, old as unknown as Pod);
  if (part === 'resize') return validateResize(object as unknown as Pod, old as unknown as Pod);
  return request.kind.validateUpdate(object, old);
}

/** A deleted object goes with its last finalizer, unless it still has grace. */
function isFinished(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return (
    deletionTimestamp !== undefined &&
    deletionGracePeriodSeconds === 0 &&
    finalizers.length === 0 &&
    !holdsNamespace(object)
  );
}

/** What is kept as an older version of a custom resource is written anew by any write: that is how it is migrated. */
function isStoredOtherwise({ kind, info, view }: WriteRequest): boolean {
  if (kind.storedAs === undefined || !isCustom(kind)) return false;
  const at = { stream: streamOfKind(kind), namespace: kind.ref.namespaced ? info.namespace : '', name: info.name };
  const stored = view.get(at)?.object.apiVersion;
  return stored !== undefined && stored !== `${kind.storedAs.group}/${kind.storedAs.version}`;
}

function sameContent(object: KubeObject, old: KubeObject): boolean {
  const bare = ({ metadata, ...rest }: KubeObject): unknown => ({
    ...rest,
    metadata: { ...metadata, resourceVersion: undefined, managedFields: undefined },
  });
  return equalJson(bare(object), bare(old)) && sameOwners(object, old);
}
