// Decides what an Endpoints object is (the older form of EndpointSlice). Never finds endpoints.
import { ageOf } from '../age.ts';
import type { Endpoints } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { fewOf } from './endpoint-slice.ts';

function addressTexts(object: Endpoints): string[] {
  return (object.subsets ?? []).flatMap((subset) =>
    (subset.addresses ?? []).flatMap((address) =>
      (subset.ports ?? []).length === 0 ? [address.ip] : subset.ports!.map((port) => `${address.ip}:${port.port}`),
    ),
  );
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  default(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) fill(port, 'protocol', 'TCP');
  },
  cells: (object, now) => [
    object.metadata.name,
    fewOf(addressTexts(object), '<none>'),
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
