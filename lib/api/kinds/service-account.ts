// Decides what a ServiceAccount is. Never makes a token.
import { ageOf } from '../age.ts';
import type { ServiceAccount } from '../generated/types.ts';
import { defineKind } from '../object.ts';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  returnsDeletedObject: true,
  cells: (object, now) => [
    object.metadata.name,
    (object.secrets ?? []).length,
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
