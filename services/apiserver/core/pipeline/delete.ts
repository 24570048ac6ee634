// Decides what a deletion does now: mark the object, shorten its grace, or take it away. Never deletes what depends on
// it: finalizers and the garbage collector do.
import { cloneJson } from '../../../../lib/base/clone.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { equalObjects } from '../../../../lib/api/equality.ts';
import { invalid } from '../../../../lib/api/field-error.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { parseInt64 } from '../query-number.ts';
import { validateDeletion } from '../admission/index.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { withRevision } from '../cache/cached-object.ts';
import { releaseOf } from '../service-addresses.ts';
import { holdsNamespace, isNamespace, refuseImmortal } from './namespace.ts';
import { conflict, planRemoved, planUnchanged, planUpdated, type Plan, type WriteRequest } from './plan.ts';

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** Options from the body win over the query, as upstream: clients send one of both. */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, any>;
  const grace = given['gracePeriodSeconds'] ?? numberOf(query.get('gracePeriodSeconds'));
  const policy = given['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined;
  const orphan = given['orphanDependents'] ?? query.get('orphanDependents') ?? undefined;
  if (grace !== undefined && !Number.isInteger(grace))
    throw new ApiError(
      'BadRequest',
      `gracePeriodSeconds must be a whole number of seconds, not ${JSON.stringify(grace)}`,
    );
  checkPolicy(policy, orphan);
  const effective = policy ?? (orphan === undefined ? undefined : String(orphan) === 'true' ? 'Orphan' : 'Background');
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace as number }),
    ...(effective === undefined ? {} : { propagationPolicy: effective }),
    ...(given['preconditions'] === undefined ? {} : { preconditions: given['preconditions'] }),
  };
}

function numberOf(text: string | null): number | undefined {
  return text === null || text === '' ? undefined : parseInt64(text);
}

function checkPolicy(policy: unknown, orphan: unknown): void {
  const ref = { group: 'meta.k8s.io', kind: 'DeleteOptions' };
  if (policy !== undefined && orphan !== undefined)
    throw invalid(ref, '', [
      {
        code: 'FieldValueInvalid',
        path: 'propagationPolicy',
        message: `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
      },
    ]);
  if (policy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(policy as string))
    throw invalid(ref, '', [
      {
        code: 'FieldValueNotSupported',
        path: 'propagationPolicy',
        message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`,
      },
    ]);
}

export function planDelete(request: WriteRequest, current: CachedObject, options: DeleteOptions): Plan {
  const { kind } = request;
  checkPreconditions(request, current, options);
  refuseImmortal(request, current.name);
  validateDeletion(request, current.object);
  const object = cloneJson(current.object);
  if (object.metadata.deletionTimestamp === undefined) kind.prepareForDelete(object, toTime(request.now));
  const finalizers = finalizersFor(object.metadata.finalizers ?? [], options.propagationPolicy);
  setFinalizers(object, finalizers);
  const graceSeconds = Math.max(0, kind.graceSeconds(object, options.gracePeriodSeconds));
  const stays = graceSeconds > 0 || finalizers.length > 0 || holdsNamespace(object);
  if (!stays) return removed(request, current, object);
  const isMarked = mark(request, object, graceSeconds);
  if (!isMarked && equalObjects(finalizers, current.object.metadata.finalizers)) return planUnchanged(current);
  return planUpdated(kind, current, object);
}

function removed(request: WriteRequest, current: CachedObject, object: KubeObject): Plan {
  const { kind } = request;
  const plan = planRemoved(kind, current, object, releaseOf(object));
  if (kind.returnsDeletedObject) {
    if (kind.endsWithGrace) mark(request, object, 0);
    return { ...plan, answer: (revision) => withRevision(object, revision || current.revision) };
  }
  const { group, resource } = kind.ref;
  const details = { name: current.name, ...(group === '' ? {} : { group }), kind: resource, uid: object.metadata.uid };
  return { ...plan, answer: () => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }) };
}

/** Returns whether anything changed. A grace may only become shorter. */
function mark(request: WriteRequest, object: KubeObject, graceSeconds: number): boolean {
  const meta = object.metadata;
  if (meta.deletionTimestamp !== undefined) {
    const present = meta.deletionGracePeriodSeconds ?? 0;
    if (graceSeconds >= present) return false;
    const began = Date.parse(meta.deletionTimestamp) - present * 1000;
    meta.deletionTimestamp = toTime(Math.max(began + graceSeconds * 1000, request.now));
    meta.deletionGracePeriodSeconds = graceSeconds;
    return true;
  }
  meta.deletionTimestamp = toTime(request.now + graceSeconds * 1000);
  if (isNamespace(object)) object['status'] = { ...object['status'], phase: 'Terminating' };
  if (request.kind.endsInSteps) return true;
  meta.deletionGracePeriodSeconds = graceSeconds;
  if (request.kind.hasGeneration) meta.generation = (meta.generation ?? 0) + 1;
  return true;
}

function finalizersFor(present: readonly string[], policy: DeleteOptions['propagationPolicy']): string[] {
  if (policy === undefined) return [...present];
  const others = present.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === 'Background') return others;
  return [...others, policy === 'Orphan' ? ORPHAN : FOREGROUND];
}

function setFinalizers(object: KubeObject, finalizers: string[]): void {
  if (finalizers.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = finalizers;
}

function checkPreconditions(request: WriteRequest, current: CachedObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const meta = current.object.metadata;
  if (uid !== undefined && uid !== meta.uid)
    throw conflict(
      request.kind,
      current.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${meta.uid}`,
    );
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision))
    throw conflict(
      request.kind,
      current.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${current.revision}`,
    );
}
