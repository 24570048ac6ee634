// Decides what a deletion does now: mark the object, shorten its grace, or take it away. Never deletes what depends on
// it: finalizers and the garbage collector do.
import { cloneJson } from '../../../../lib/base/clone.ts';
import { canonical, TypeMismatchError } from '../../../../lib/api/canonical.ts';
import { notAnObject } from '../../../../lib/api/decode.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { equalObjects } from '../../../../lib/api/equality.ts';
import { invalid, invalidValue, notSupported, quoted, type FieldError } from '../../../../lib/api/field-error.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { isTrue, parseInt64 } from '../query-number.ts';
import { dryRunErrors } from '../write-options.ts';
import { validateDeletion } from '../admission/index.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { withRevision } from '../cache/cached-object.ts';
import { releaseOf } from '../service-addresses.ts';
import { holdsNamespace, isNamespace, refuseImmortal } from './namespace.ts';
import { planRemoved, planUnchanged, planUpdated, type Plan, type WriteRequest } from './plan.ts';

type Policy = 'Background' | 'Foreground' | 'Orphan';
const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan'] satisfies Policy[];

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: Policy;
  preconditions?: { uid?: string; resourceVersion?: string };
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** What a body says, with its types. */
export interface DeletionBody {
  gracePeriodSeconds?: number | null;
  propagationPolicy?: string | null;
  orphanDependents?: boolean | null;
  preconditions?: DeleteOptions['preconditions'];
  dryRun?: string[];
}

/** What upstream's decoder lets into options, and in which words it refuses the rest: as an error of its own. */
export function decodedOptions(value: unknown): DeletionBody {
  const refuse = (why: string): ApiError => new ApiError('', why);
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw refuse(notAnObject(value));
  const { apiVersion, kind, ...options } = value as Record<string, unknown>;
  const version = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : 'v1';
  if (typeof kind === 'string' && kind !== '' && kind !== 'DeleteOptions')
    throw refuse(
      `no kind ${quoted(kind)} is registered for version ${quoted(version)} in scheme "pkg/runtime/scheme.go:110"`,
    );
  try {
    return canonical('meta.v1.DeleteOptions', options).value as DeletionBody;
  } catch (error) {
    if (!(error instanceof TypeMismatchError)) throw error;
    throw new ApiError('', error.message, undefined, { cause: error });
  }
}

/** Options of a body stand alone, as upstream: with one, the query says nothing. */
export function deleteOptions(
  body: DeletionBody | undefined,
  query: URLSearchParams,
): DeleteOptions & { dryRun: boolean } {
  const given = body ?? queriedOptions(query);
  const { gracePeriodSeconds: grace = null, propagationPolicy: policy = null, orphanDependents: orphan = null } = given;
  const { preconditions, dryRun = [] } = given;
  const errors = [...policyErrors(policy, orphan), ...dryRunErrors(dryRun)];
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  const effective = policy ?? (orphan === null ? null : orphan ? 'Orphan' : 'Background');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: grace }),
    ...(effective === null ? {} : { propagationPolicy: effective as Policy }),
    ...(preconditions === undefined || preconditions === null ? {} : { preconditions }),
    dryRun: dryRun.length > 0,
  };
}

function queriedOptions(query: URLSearchParams): DeletionBody {
  const grace = query.get('gracePeriodSeconds');
  return {
    gracePeriodSeconds: grace === null ? null : parseInt64(grace),
    propagationPolicy: query.get('propagationPolicy'),
    orphanDependents: query.has('orphanDependents') ? isTrue(query.get('orphanDependents')) : null,
    dryRun: query.getAll('dryRun'),
  };
}

function policyErrors(policy: string | null, orphan: boolean | null): FieldError[] {
  if (policy === null) return [];
  const both = 'orphanDependents and deletionPropagation cannot be both set';
  return [
    ...(orphan === null ? [] : [invalidValue('propagationPolicy', policy, both)]),
    ...(POLICIES.includes(policy) ? [] : [notSupported('propagationPolicy', policy, [...POLICIES, 'nil'])]),
  ];
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

/** The real server names the kind here, where others name the resource. */
function checkPreconditions({ kind }: WriteRequest, current: CachedObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const told = current.object.metadata.uid;
  const { group } = kind.ref;
  const refuse = (why: string): never => {
    const name = group === '' ? kind.ref.kind : `${kind.ref.kind}.${group}`;
    const what = `${name} ${JSON.stringify(current.name)}`;
    const details = { name: current.name, ...(group === '' ? {} : { group }), kind: kind.ref.kind };
    throw new ApiError('Conflict', `Operation cannot be fulfilled on ${what}: ${why}`, details);
  };
  if (uid !== undefined && uid !== told)
    refuse(
      `the UID in the precondition (${uid}) does not match the UID in record (${told}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision))
    refuse(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.revision}). The object might have been modified`,
    );
}
