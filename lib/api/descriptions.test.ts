// Shows that every kind is described, and no description is of something that is not there.
import test from 'ava';
import { FIELDS, typeDescription, TYPES } from './descriptions.ts';
import { KINDS } from './kind.ts';
import { openApiV2, openApiV3 } from './openapi.ts';
import { typeSchema } from './schema.ts';

const SERVED = KINDS.filter(
  ({ ref }) =>
    (/^v\d+$/.test(ref.version) || ref.group === 'metrics.k8s.io') &&
    !/^(resource|internal|storagemigration)/.test(ref.group),
);
const UNSERVED = new Set([
  'ComponentStatus',
  'IPAddress',
  'ServiceCIDR',
  'ClusterTrustBundle',
  'PodCertificateRequest',
]);

test('every kind that is served says what it is', (t) => {
  const silent = SERVED.filter(
    ({ typeName, ref }) => !UNSERVED.has(ref.kind) && typeDescription(String(typeName)) === undefined,
  );
  t.deepEqual(
    silent.map(({ typeName }) => typeName),
    [],
  );
});

test('words are in both documents, beside references too', (t) => {
  const v3: any = openApiV3(SERVED, 'apps', 'v1', '');
  const v2: any = openApiV2(SERVED, '');
  for (const schemas of [v3.components.schemas, v2.definitions]) {
    const deployment = schemas['io.k8s.api.apps.v1.Deployment'];
    t.regex(deployment.description, /pods/);
    t.regex(deployment.properties.spec.description, /wanted/);
    t.regex(schemas['io.k8s.api.core.v1.Container'].properties.image.description, /registry/);
  }
});

test('nothing is described that is not there', (t) => {
  const missing = Object.keys(TYPES).filter((name) => typeSchema(name) === undefined);
  for (const [name, fields] of Object.entries(FIELDS))
    for (const field of Object.keys(fields))
      if (typeSchema(name)?.fields.has(field) !== true) missing.push(`${name}.${field}`);
  t.deepEqual(missing, []);
});
