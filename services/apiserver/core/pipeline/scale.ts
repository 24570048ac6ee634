// Decides how the Scale of a workload is read and written. Never touches anything but spec.replicas.
import { invalid } from '../../../../lib/api/field-error.ts';
import { toScale, withReplicas, type ScalePaths } from '../../../../lib/api/scale.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { withRevision } from '../cache/cached-object.ts';
import { conflict, type Plan, type WriteRequest } from './plan.ts';
import { planUpdate } from './update.ts';

export const SCALE = {
  ref: { group: 'autoscaling', version: 'v1', resource: 'scales', kind: 'Scale', namespaced: true },
  typeName: 'autoscaling.v1.Scale',
};

/** Zero replicas are left out, as upstream's encoder does. */
export function scaleOf(object: KubeObject, paths?: ScalePaths): KubeObject {
  const scale = toScale(object, paths) as KubeObject;
  if (scale['spec']?.replicas === 0) scale['spec'] = {};
  return scale;
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
  const plan = planUpdate(request, current, object, 'main');
  return {
    ...plan,
    answer: (revision) => scaleOf(withRevision(plan.object, revision || current.revision), request.kind.scale),
  };
}
