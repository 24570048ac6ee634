// Decides what a ControllerRevision is: data that never changes, with a number. Never makes one.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, required } from '../field-error.ts';
import type { ControllerRevision } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { notNegative } from './workload.ts';

/** `statefulset.apps/web`, as kubectl names an object of a group. */
function controllerText(object: ControllerRevision): string {
  const owner = (object.metadata.ownerReferences ?? []).find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const slash = owner.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  validate: (object) => [
    ...(object.data === undefined || object.data === null ? [required('data', 'data is mandatory')] : []),
    ...notNegative(object.revision, 'revision'),
  ],
  validateUpdate: (object, old) =>
    equalObjects(object.data, old.data) ? [] : [invalidValue('data', object.data, 'field is immutable')],
  cells: (object, now) => [
    object.metadata.name,
    controllerText(object),
    object.revision,
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
