// Decides what a Namespace is: its name as a label, its finalizer, its phase. Never empties one (the namespace controller).
import { ageOf } from '../age.ts';
import { invalidValue } from '../field-error.ts';
import type { Namespace } from '../generated/types.ts';
import { defineKind } from '../object.ts';

export const namespace = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  endsInSteps: true,
  nameRule: 'label',
  default(object) {
    // Forced, so that selectors on the name can be relied upon; before a generated name is known there is nothing to say.
    if (object.metadata.name)
      object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  },
  prepareForCreate(object) {
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = { ...object.spec, finalizers: [...new Set([...finalizers, 'kubernetes'])] };
    object.status = { phase: 'Active' };
  },
  prepareForUpdate(object, old) {
    object.spec = structuredClone(old.spec ?? {});
  },
  validateStatusUpdate(object) {
    const phase = object.status?.phase;
    return object.metadata.deletionTimestamp === undefined && phase !== undefined && phase !== 'Active'
      ? [invalidValue('status.phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")]
      : [];
  },
  cells: (object, now) => [
    object.metadata.name,
    object.status?.phase ?? '',
    ageOf(object.metadata.creationTimestamp, now),
  ],
  fields: { 'status.phase': (object) => object.status?.phase ?? '' },
});
