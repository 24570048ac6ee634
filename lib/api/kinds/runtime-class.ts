// Decides what a RuntimeClass is: the handler that runs a pod, what it costs, and where it is. Never runs one.
import { ageOf } from '../age.ts';
import { invalidValue, required } from '../field-error.ts';
import { dns1123Label } from '../formats.ts';
import type { RuntimeClass } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { validateLabels } from '../metadata.ts';
import { validateTolerations } from '../pod/validate-scheduling.ts';

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  validate: ({ handler, scheduling }) => [
    ...(handler ? dns1123Label(handler).map((told) => invalidValue('handler', handler, told)) : [required('handler')]),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations'),
  ],
  validateUpdate: (object, old) =>
    object.handler === old.handler ? [] : [invalidValue('handler', object.handler, 'field is immutable')],
  cells: (object, now) => [object.metadata.name, object.handler ?? '', ageOf(object.metadata.creationTimestamp, now)],
});
