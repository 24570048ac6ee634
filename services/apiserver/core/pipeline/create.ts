// Decides how a new object comes to be: place, admission, server-owned metadata, addresses, validation. Never replaces
// one that exists.
import { invalid } from '../../../../lib/api/field-error.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { certificateSignature } from '../admission/certificates.ts';
import { mutate, validateAdmission } from '../admission/index.ts';
import { chargeQuotas } from '../admission/resource-quota.ts';
import { allocateForService } from '../service-addresses.ts';
import { streamOfKind } from '../served-kinds.ts';
import { localKey } from '../storage-key.ts';
import { ownersAdmitted, ownersAfter, ownersErrors, setOwners } from './field-owners.ts';
import { ALONE, alreadyExists, planCreated, type Companions, type Plan, type WriteRequest } from './plan.ts';
import { liveDefinition } from './definition.ts';
import { liveNamespace, place } from './namespace.ts';
import { ownersOnce } from './owner-references.ts';

const NAME_ATTEMPTS = 8;
/** Kubernetes' own limit of a generated name: prefix cut to 58, then 5 characters. */
const GENERATED_PREFIX = 58;

/** `object` is as it was sent, with defaults. It is changed. */
export function planCreate(request: WriteRequest, object: KubeObject): Plan {
  const { kind } = request;
  place(request, object);
  const namespace = liveNamespace(request, object);
  const definition = liveDefinition(request);
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'] as const)
    delete object.metadata[field];
  ownersOnce(request, object, 'sent');
  const owners = ownersAfter(request, undefined, object);
  setOwners(object, owners);
  mutate(request, object, undefined);
  // Whoever changed it may have moved it.
  place(request, object);
  const admitted = ownersAdmitted(request, object, owners);
  setOwners(object, admitted);
  ownersOnce(request, object, 'admitted');
  nameIt(request, object);
  object.metadata.uid = request.chance.uuid();
  object.metadata.creationTimestamp = toTime(request.now);
  kind.prepareForCreate(object);
  const addresses = addressesOf(request, object);
  const errors = [
    ...ownersErrors(admitted, undefined),
    ...kind.validate(object),
    ...certificateSignature(request, object),
    ...addresses.errors,
  ];
  if (errors.length > 0) throw invalid(kind.ref, object.metadata.name, errors);
  for (const warning of kind.warnings(object)) request.warn?.(warning);
  validateAdmission(request, object, undefined);
  refuseRevision(request, object);
  if (exists(request, object.metadata.name, object.metadata.namespace)) throw alreadyExists(kind, object.metadata.name);
  const quotas = chargeQuotas(request, object, undefined);
  return planCreated(request, object, {
    compares: [...namespace.compares, ...definition.compares, ...addresses.companions.compares, ...quotas.compares],
    operations: [...addresses.companions.operations, ...quotas.operations],
  });
}

/** Only what would be stored is asked for its revision, and only a number is one: as upstream's store does. */
function refuseRevision({ dryRun }: WriteRequest, { metadata }: KubeObject): void {
  if (dryRun !== true && /^0*[1-9]\d*$/.test(metadata.resourceVersion ?? ''))
    throw new ApiError('', 'resourceVersion should not be set on objects to be created');
}

function nameIt(request: WriteRequest, object: KubeObject): void {
  const { generateName = '', name = '' } = object.metadata;
  if (name !== '' || generateName === '') return;
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    object.metadata.name = `${generateName.slice(0, GENERATED_PREFIX)}${request.chance.suffix(5)}`;
    if (!exists(request, object.metadata.name, object.metadata.namespace)) break;
  }
  // Some defaults rest on the name (a Namespace's label).
  request.kind.default(object);
}

function exists(request: WriteRequest, name: string, namespace = ''): boolean {
  return request.view.resource(streamOfKind(request.kind)).get(localKey(namespace, name)) !== undefined;
}

function addressesOf(request: WriteRequest, object: KubeObject): ReturnType<typeof allocateForService> {
  if (request.kind.ref.group !== '' || request.kind.ref.resource !== 'services')
    return { companions: ALONE satisfies Companions, errors: [] };
  return allocateForService(request, object, undefined);
}
