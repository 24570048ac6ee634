// Decides what an IPAddress is: an address of the cluster that is given out, and to whom. Never gives one out.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain, pathSegment } from '../formats.ts';
import type { IPAddress, ParentReference } from '../generated/types.ts';
import { defineKind } from '../object.ts';

const PATH = 'spec.parentRef';

function validateParent(parent: ParentReference | undefined): FieldError[] {
  if (parent === undefined) return [required(PATH)];
  const { group = '', resource = '', name = '', namespace = '' } = parent;
  const segment = (field: string, text: string): FieldError[] =>
    pathSegment(text).map((told) => invalidValue(`${PATH}.${field}`, text, told));
  return [
    ...(group === '' ? [] : dns1123Subdomain(group).map((told) => invalidValue(`${PATH}.group`, group, told))),
    ...(resource === '' ? [required(`${PATH}.resource`)] : segment('resource', resource)),
    ...(name === '' ? [required(`${PATH}.name`)] : segment('name', name)),
    ...(namespace === '' ? [] : segment('namespace', namespace)),
  ];
}

/** `services/default/web`, `gateways.example.com/a` */
function parentText(parent: ParentReference | undefined): string {
  if (parent === undefined) return '<none>';
  const { group = '', resource = '', namespace = '', name = '' } = parent;
  return [`${resource}${group === '' ? '' : `.${group}`}`.toLowerCase(), namespace, name]
    .filter((part) => part !== '')
    .join('/');
}

export const ipAddressKind = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  nameRule: 'ipAddress',
  validate: ({ spec }) => validateParent(spec?.parentRef),
  validateUpdate: ({ spec }, { spec: was }) =>
    equalObjects(spec?.parentRef, was?.parentRef)
      ? []
      : [invalidValue(PATH, spec?.parentRef ?? null, 'field is immutable')],
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    parentText(spec?.parentRef),
    ageOf(metadata.creationTimestamp, now),
  ],
});
