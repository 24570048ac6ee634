// Decides what a Namespace is: its name as a label, its finalizer, its phase. Never empties one (the namespace controller).
import { ageOf } from '../age.ts';
import { invalidValue, type FieldError } from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import type { Namespace } from '../generated/types.ts';
import { defineKind } from '../object.ts';

const STANDARD = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** `path` is the list's: the real server names no index, but where the finalizers alone are written. */
export function validateNamespaceFinalizers(
  finalizers: readonly string[] = [],
  pathOf = (_index: number): string => 'spec.finalizers',
): FieldError[] {
  return finalizers.flatMap((name, i) => [
    ...qualifiedName(name).map((told) => invalidValue(pathOf(i), name, told)),
    ...(name.includes('/') || STANDARD.has(name)
      ? []
      : [invalidValue(pathOf(i), name, 'name is neither a standard finalizer name nor is it fully qualified')]),
  ]);
}

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
  validateCreate: ({ spec }) => validateNamespaceFinalizers(spec?.finalizers),
  prepareForCreate(object) {
    const finalizers = object.spec?.finalizers ?? [];
    const all = finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'];
    object.spec = { ...object.spec, finalizers: all };
    object.status = { phase: 'Active' };
  },
  prepareForUpdate(object, old) {
    object.spec = structuredClone(old.spec ?? {});
  },
  prepareForStatusUpdate(object) {
    object.status = { ...object.status, phase: object.status?.phase || 'Active' };
  },
  validateStatusUpdate(object) {
    const phase = object.status?.phase ?? '';
    const [expected, when] =
      object.metadata.deletionTimestamp === undefined ? ['Active', 'empty'] : ['Terminating', 'not empty'];
    const told = `may only be '${expected}' if \`deletionTimestamp\` is ${when}`;
    return phase === expected ? [] : [invalidValue('status.Phase', phase, told)];
  },
  cells: (object, now) => [
    object.metadata.name,
    object.status?.phase ?? '',
    ageOf(object.metadata.creationTimestamp, now),
  ],
  fields: { 'status.phase': (object) => object.status?.phase ?? '' },
});
