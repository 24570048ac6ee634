// Decides what a Lease is. Never decides who holds one.
import { ageOf } from '../age.ts';
import { invalidValue } from '../field-error.ts';
import type { Lease } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { notNegative } from './workload.ts';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  validate({ spec }) {
    const seconds = spec?.leaseDurationSeconds;
    return [
      ...(seconds !== undefined && seconds <= 0
        ? [invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0')]
        : []),
      ...notNegative(spec?.leaseTransitions, 'spec.leaseTransitions'),
    ];
  },
  cells: (object, now) => [
    object.metadata.name,
    object.spec?.holderIdentity ?? '',
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
