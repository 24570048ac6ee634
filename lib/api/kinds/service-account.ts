// Decides what a ServiceAccount is. Never makes a token.
import { ageOf } from '../age.ts';
import type { ServiceAccount } from '../generated/types.ts';
import { defineKind } from '../object.ts';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  returnsDeletedObject: true,
  /** Of a Secret only its name is kept. */
  prepareForCreate(object) {
    if (object.secrets !== undefined) object.secrets = object.secrets.map(({ name }) => (name ? { name } : {}));
  },
  prepareForUpdate(object) {
    if (object.secrets !== undefined) object.secrets = object.secrets.map(({ name }) => (name ? { name } : {}));
  },
  cells: (object, now) => [
    object.metadata.name,
    (object.secrets ?? []).length,
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
