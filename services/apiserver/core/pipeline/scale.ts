// Decides how the Scale of a workload is read and written. Never touches anything but spec.replicas.
import { ageOf } from '../../../../lib/api/age.ts';
import { CREATED_DESCRIPTION, NAME_COLUMN, builtInColumns } from '../../../../lib/api/columns.ts';
import { invalid } from '../../../../lib/api/field-error.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { apiVersionOf } from '../../../../lib/api/resource.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { hasReplicas, toScale, withReplicas, type ScalePaths } from '../../../../lib/api/scale.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Tabular, ToldKind } from '../../../../lib/api/table.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { withRevision } from '../cache/cached-object.ts';
import { conflict, type Plan, type WriteRequest } from './plan.ts';
import { planUpdate } from './update.ts';

export const SCALE = {
  ref: { group: 'autoscaling', version: 'v1', resource: 'scales', kind: 'Scale', namespaced: true },
  typeName: 'autoscaling.v1.Scale',
};

const CELLS: Tabular['cells'] = ({ metadata, spec, status }, now) => [
  metadata.name,
  spec?.replicas ?? 0,
  status?.replicas ?? 0,
  ageOf(metadata.creationTimestamp, now),
];
/** Upstream prints a custom resource's by the paths of columns: what is left out is not there. */
const CUSTOM_CELLS: Tabular['cells'] = ({ metadata, spec, status }, now) => [
  metadata.name,
  spec?.replicas ?? null,
  status?.replicas ?? 0,
  ageOf(metadata.creationTimestamp, now),
];
const CUSTOM_COLUMNS: Tabular['columns'] = [
  NAME_COLUMN,
  ['Desired', 'integer', '', 0, 'Number of desired replicas'],
  ['Available', 'integer', '', 0, 'Number of actual replicas'],
  ['Age', 'date', '', 0, CREATED_DESCRIPTION],
];

/** In which form the Scale of an object of the kind may be told. */
export function scaleForm(kind: Pick<Kind, 'scale'>): ToldKind {
  return kind.scale === undefined
    ? { ...SCALE, columns: builtInColumns('autoscaling', 'scales'), cells: CELLS }
    : { ...SCALE, columns: CUSTOM_COLUMNS, cells: CUSTOM_CELLS };
}

/** The Scale that is asked for. Throws 500 where a custom resource has none. */
export function shownScale(object: KubeObject, paths?: ScalePaths): KubeObject {
  if (paths !== undefined && !hasReplicas(object, paths)) {
    const message = `the spec replicas field ".${paths.replicas.join('.')}" does not exist`;
    throw new ApiError('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
  }
  return scaleOf(object, paths);
}

/** Zero replicas are left out, as upstream's encoder does. */
export function scaleOf(object: KubeObject, paths?: ScalePaths): KubeObject {
  const scale = toScale(object, paths) as KubeObject;
  if (scale['spec']?.replicas === 0) scale['spec'] = {};
  return scale;
}

/** An applied Scale as the part of the workload that it is about. Throws 400 for anything else. */
export function appliedScale(kind: Kind, value: unknown): object {
  const scale = (typeof value === 'object' && value !== null ? value : {}) as Partial<KubeObject>;
  if (scale.apiVersion !== 'autoscaling/v1' || scale.kind !== 'Scale')
    throw new ApiError('BadRequest', `invalid object type: ${scale.apiVersion ?? ''}, Kind=${scale.kind ?? ''}`);
  const { name, namespace } = scale.metadata ?? {};
  const object = {
    apiVersion: apiVersionOf(kind.ref),
    kind: kind.ref.kind,
    metadata: { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) },
  } as unknown as KubeObject;
  const replicas: unknown = scale['spec']?.replicas;
  return replicas === undefined ? object : withReplicas(object, replicas as number, kind.scale);
}

/** The plan of a write to the workload, told as its Scale. */
export function toldAsScale(kind: Kind, plan: Plan, current: CachedObject): Plan {
  return {
    ...plan,
    answer: (revision) => scaleOf(withRevision(plan.object, revision || current.revision), kind.scale),
  };
}

export function planScale(request: WriteRequest, current: CachedObject, scale: KubeObject): Plan {
  const replicas: number = scale['spec']?.replicas ?? 0;
  if (replicas < 0)
    throw invalid(SCALE.ref, current.name, [
      {
        code: 'FieldValueInvalid',
        path: 'spec.replicas',
        message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
      },
    ]);
  const wanted = scale.metadata?.resourceVersion ?? '';
  if (wanted !== '' && wanted !== String(current.revision)) throw conflict(request.kind, current.name);
  const object = withReplicas(current.object, replicas, request.kind.scale);
  return toldAsScale(request.kind, planUpdate(request, current, object, 'main'), current);
}
