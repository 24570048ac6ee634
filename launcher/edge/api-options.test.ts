// Shows what `up` makes of the options for the API's audit log and its OpenID Connect provider, and what it refuses.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkOptions, planCluster, type ClusterOptions } from '../core/cluster.ts';
import { homeLayout } from '../core/home.ts';
import { withApiOptions } from './api-options.ts';

const found = { clusterId: 'x', slot: 1, apiPorts: [6443], natsPort: 4222, dnsPort: 53 };
const cluster = planCluster({ name: 'one', runtime: 'hollow' }, found);
const oidc = { issuerUrl: 'https://id.example.com', clientId: 'flotilla' };

test('a policy is read before it is taken; paths are absolute; off takes it away', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-options-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const home = homeLayout(dir);
  const decide = (options: ClusterOptions, from = cluster) => withApiOptions(from, options, home, () => {});
  const policy = join(dir, 'policy.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n');
  writeFileSync(join(dir, 'bad.yaml'), 'kind: Pod\n');
  const audited = decide({ auditPolicy: policy });
  t.deepEqual(audited.audit, { policyFile: policy, file: `${home.logs}/audit.log` });
  t.deepEqual(decide({ auditPolicy: policy, auditLog: '/a/b.log' }).audit?.file, '/a/b.log');
  t.is(decide({}, audited).audit, audited.audit, 'it stays as it was');
  t.is(decide({ auditPolicy: 'off' }, audited).audit, undefined);
  t.throws(() => decide({ auditPolicy: join(dir, 'bad.yaml') }), {
    message: /^--audit-policy .*bad\.yaml: .*must be audit/,
  });
  t.throws(() => decide({ auditPolicy: join(dir, 'none.yaml') }), { message: /none\.yaml: ENOENT/ });
  t.deepEqual(decide({ oidc }).oidc, oidc);
  t.throws(() => decide({ oidc: { ...oidc, caFile: join(dir, 'ca.crt') } }), { message: /^--oidc-ca-file .*ENOENT/ });
});

test('options that make no sense together are refused with their values', (t) => {
  t.throws(() => checkOptions({ auditLog: 'x' }), { message: /--audit-log x: --audit-policy must say/ });
  t.throws(() => checkOptions({ oidc: { ...oidc, clientId: '' } }), { message: /^--oidc-client-id/ });
  t.notThrows(() => checkOptions({ oidc }));
});
