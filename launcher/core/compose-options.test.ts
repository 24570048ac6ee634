import test from 'ava';
import { checkOptions, OptionError } from './cluster.ts';
import { composeApiOptions, inVariables } from './compose-options.ts';
import { homeLayout } from './home.ts';

const home = homeLayout('/flotilla');
const asked = (env: Record<string, string>, files = {}): ReturnType<typeof composeApiOptions> =>
  composeApiOptions({ env, hasAuditPolicy: false, hasOidcCa: false, ...files }, home);

test('what nobody set is not wanted, whatever Compose makes of it', (t) => {
  const nothing = { auditPolicy: 'off', auditLog: undefined, oidc: undefined };
  t.deepEqual(asked({}), nothing);
  t.deepEqual(asked({ FLOTILLA_OIDC_ISSUER_URL: '', FLOTILLA_AUDIT_LOG: '/x' }), nothing);
});

test('a policy and a provider are asked for as with flotilla up', (t) => {
  const env = {
    FLOTILLA_AUDIT_LOG: '/flotilla/logs/told.log',
    FLOTILLA_OIDC_ISSUER_URL: 'https://login.example.com',
    FLOTILLA_OIDC_CLIENT_ID: 'fleet',
    FLOTILLA_OIDC_REQUIRED_CLAIM: 'a=b, c=d',
    FLOTILLA_OIDC_SIGNING_ALGS: 'ES256,RS256',
  };
  t.deepEqual(asked(env, { hasAuditPolicy: true, hasOidcCa: true }), {
    auditPolicy: '/flotilla/audit-policy.yaml',
    auditLog: '/flotilla/logs/told.log',
    oidc: {
      issuerUrl: 'https://login.example.com',
      clientId: 'fleet',
      requiredClaims: ['a=b', 'c=d'],
      caFile: '/flotilla/pki/oidc-ca.crt',
      signingAlgs: ['ES256', 'RS256'],
    },
  });
});

test('a refusal names the variable', (t) => {
  const refused = (env: Record<string, string>): string =>
    inVariables(t.throws(() => checkOptions(asked(env)), { instanceOf: OptionError })!.message);
  t.is(
    refused({ FLOTILLA_OIDC_ISSUER_URL: 'http://x', FLOTILLA_OIDC_CLIENT_ID: 'a' }),
    "FLOTILLA_OIDC_ISSUER_URL http://x: it has invalid scheme (http), require 'https'",
  );
  t.is(
    refused({ FLOTILLA_OIDC_CLIENT_ID: 'a' }),
    'FLOTILLA_OIDC_ISSUER_URL: it must be given where any other FLOTILLA_OIDC option is',
  );
});
