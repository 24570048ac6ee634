// Shows whose tokens are believed and for how long: those of ServiceAccounts, bound and in Secrets, and those of an OpenID
// Connect provider that really answers over HTTPS.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SignJWT, decodeJwt, exportJWK } from 'jose';
import { openAuthority } from '../../launcher/edge/certificates.ts';
import { startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';

const AT = '/api/v1/namespaces/default';
const REVIEWS = '/apis/authentication.k8s.io/v1';

interface Provider {
  issuer: string;
  caFile: string;
  keys: Map<string, { privateKey: KeyObject; publicKey: KeyObject }>;
  token(kid: string, claims: object, seconds?: number): Promise<string>;
  close(): void;
}

/** Publishes the keys that it has now. */
async function provider(dir: string): Promise<Provider> {
  const authority = await openAuthority('provider', { cert: join(dir, 'oidc-ca.crt'), key: join(dir, 'oidc-ca.key') });
  const files = { cert: join(dir, 'oidc.crt'), key: join(dir, 'oidc.key') };
  await authority.issue({ commonName: 'idp', usage: 'server', dnsNames: ['localhost'], ips: ['127.0.0.1'] }, files);
  const keys: Provider['keys'] = new Map();
  const server = createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) }, (request, response) => {
    void (async () => {
      const jwks = await Promise.all(
        [...keys].map(async ([kid, { publicKey }]) => ({
          ...(await exportJWK(publicKey)),
          kid,
          use: 'sig',
          alg: 'ES256',
        })),
      );
      const isConfiguration = request.url === '/.well-known/openid-configuration';
      response.end(JSON.stringify(isConfiguration ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: jwks }));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    caFile: join(dir, 'oidc-ca.crt'),
    keys,
    token: (kid, claims, seconds = 600) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(issuer)
        .setAudience('flotilla')
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .sign(keys.get(kid)!.privateKey),
    close: () => server.close(),
  };
}

let api: TestApi;
let idp: Provider;
let dir: string;
test.before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'flotilla-tokens-'));
  idp = await provider(dir);
  idp.keys.set('first', generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  api = await startApi({
    settings: {
      oidc: {
        issuerUrl: idp.issuer,
        clientId: 'flotilla',
        usernameClaim: 'name',
        usernamePrefix: 'oidc:',
        groupsClaim: 'groups',
        groupsPrefix: 'oidc:',
        requiredClaims: ['tenant=us'],
        caFile: idp.caFile,
        signingAlgs: ['ES256'],
      },
    },
  });
  await api.http('POST', `${AT}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  await api.http('POST', `${AT}/serviceaccounts`, { body: { metadata: { name: 'robot' } } });
});
test.after.always(async () => {
  await api.stop();
  idp.close();
  rmSync(dir, { recursive: true, force: true });
});

const who = async (token: string): Promise<any> => {
  const { code, body } = await api.http('POST', `${REVIEWS}/selfsubjectreviews`, { body: {}, token });
  return code === 201 ? body.status.userInfo : code;
};
const review = async (token: string, audiences?: string[]): Promise<any> =>
  (await api.http('POST', `${REVIEWS}/tokenreviews`, { body: { spec: { token, audiences } } })).body.status;
const ask = async (spec: object, account = 'robot'): Promise<any> =>
  (await api.http('POST', `${AT}/serviceaccounts/${account}/token`, { body: { spec } })).body;

test("a provider's token is a user, by its claims; its keys may change", async (t) => {
  const claims = { name: 'alice', groups: ['ops'], tenant: 'us' };
  const token = await idp.token('first', claims);
  t.deepEqual(await who(token), { username: 'oidc:alice', groups: ['oidc:ops', 'system:authenticated'] });
  t.is(await who(await idp.token('first', { ...claims, tenant: 'them' })), 401, 'a required claim');
  t.is(await who(await idp.token('first', claims, -60)), 401, 'expired');
  t.deepEqual((await review(token)).audiences, ['https://kubernetes.default.svc']);
  t.is((await review(token, ['elsewhere'])).authenticated, undefined);
  const stranger = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'first' })
    .setIssuer(idp.issuer)
    .setAudience('flotilla')
    .setExpirationTime('1h')
    .sign(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  t.is(await who(stranger), 401, 'signed by another');
  idp.keys.set('second', generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  idp.keys.delete('first');
  const rotated = await idp.token('second', claims);
  await eventually('the new key is known', async () => (await who(rotated))?.username === 'oidc:alice');
});

test('a token says what it is bound to, and dies with it', async (t) => {
  await api.http('POST', '/api/v1/nodes', { body: { metadata: { name: 'home' } } });
  const pod = {
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'x' }] },
  };
  t.is((await api.http('POST', `${AT}/pods`, { body: pod })).code, 201);
  await api.http('POST', `${AT}/pods/p/binding`, {
    body: { metadata: { name: 'p' }, target: { kind: 'Node', name: 'home' } },
  });
  const bound = await ask({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' }, expirationSeconds: 3607 });
  const { token } = bound.status;
  const claims = decodeJwt(token) as any;
  t.is(claims['kubernetes.io'].warnafter, claims.iat + 3607);
  t.is(claims.exp, claims.iat + 365 * 24 * 3600, 'upstream extends what it injects into pods');
  t.is(Date.parse(bound.status.expirationTimestamp) / 1000, claims.iat + 3607, 'and does not tell them');
  const { extra } = await who(token);
  t.deepEqual(extra['authentication.kubernetes.io/pod-name'], ['p']);
  t.deepEqual(extra['authentication.kubernetes.io/node-name'], ['home']);
  t.regex(extra['authentication.kubernetes.io/credential-id'][0], /^JTI=[0-9a-f-]{36}$/);
  await api.http('DELETE', `${AT}/pods/p`, { body: { gracePeriodSeconds: 0 } });
  t.is(await who(token), 401);
  t.is((await review(token)).error, '[invalid bearer token, service account token has been invalidated]');
});

test('a token is for its audiences only', async (t) => {
  const { token } = (await ask({ audiences: ['vault', 'other'] })).status;
  t.is(await who(token), 401);
  t.deepEqual((await review(token, ['x', 'vault'])).audiences, ['vault']);
  t.is(
    (await review(token)).error,
    '[invalid bearer token, token audiences ["vault" "other"] is invalid for the target audiences ["https://kubernetes.default.svc"]]',
  );
  t.is((await review('nonsense')).error, 'invalid bearer token');
  t.is((await api.http('POST', `${REVIEWS}/tokenreviews`, { body: { spec: {} } })).code, 400);
});

const legacySecret = (name: string, account: string): object => ({
  metadata: { name, annotations: { 'kubernetes.io/service-account.name': account } },
  type: 'kubernetes.io/service-account-token',
});

/** Makes the Secret; with its token. */
async function filledSecret(name: string, account: string): Promise<{ secret: any; token: string }> {
  await api.http('POST', `${AT}/secrets`, { body: legacySecret(name, account) });
  const secret = await eventually('the Secret is filled', async () => {
    const { body } = await api.http('GET', `${AT}/secrets/${name}`);
    return body.data?.token !== undefined && body;
  });
  return { secret, token: Buffer.from(secret.data.token, 'base64').toString() };
}

test('a Secret of an account is filled, stands for it, and both ends end it', async (t) => {
  const { secret: filled, token } = await filledSecret('old-way', 'robot');
  t.is(Buffer.from(filled.data['ca.crt'], 'base64').toString(), api.caPem);
  t.is(Buffer.from(filled.data.namespace, 'base64').toString(), 'default');
  const account = (await api.http('GET', `${AT}/serviceaccounts/robot`)).body;
  t.is(filled.metadata.annotations['kubernetes.io/service-account.uid'], account.metadata.uid);
  t.is((await who(token)).username, 'system:serviceaccount:default:robot');
  await api.http('DELETE', `${AT}/secrets/old-way`);
  t.is(await who(token), 401);
  await api.http('POST', `${AT}/serviceaccounts`, { body: { metadata: { name: 'brief' } } });
  await api.http('POST', `${AT}/secrets`, { body: legacySecret('of-brief', 'brief') });
  await api.http('DELETE', `${AT}/serviceaccounts/brief`);
  await eventually('the Secret of a gone account is gone', async () => {
    return (await api.http('GET', `${AT}/secrets/of-brief`)).code === 404;
  });
});

test('the use of a token that a Secret holds is written on the Secret, and told', async (t) => {
  const { token } = await filledSecret('used', 'robot');
  const path = `${AT}/secrets/used`;
  const label = 'kubernetes.io/legacy-token-last-used';
  t.is((await api.http('GET', path)).body.metadata.labels, undefined, 'nobody has shown it yet');
  await who(token);
  const secret = await eventually('the day is written', async () => {
    const { body } = await api.http('GET', path);
    return body.metadata.labels !== undefined && body;
  });
  // A test may run over midnight.
  t.true(Math.abs(Date.now() - Date.parse(secret.metadata.labels[label])) < 2 * 86_400_000);
  t.regex(secret.metadata.labels[label], /^\d{4}-\d\d-\d\d$/);
  const owners = secret.metadata.managedFields.filter((each: any) => JSON.stringify(each.fieldsV1).includes(label));
  t.deepEqual(
    owners.map((each: any) => each.manager),
    ['kube-apiserver'],
  );

  const warned = async (): Promise<unknown> => (await api.http('GET', '/version', { token })).headers['warning'];
  t.is(await warned(), undefined);
  const patch = { headers: { 'content-type': 'application/merge-patch+json' } };
  await api.http('PATCH', `${AT}/serviceaccounts/robot`, { ...patch, body: { secrets: [{ name: 'used' }] } });
  t.regex(
    String(await warned()),
    /Use tokens from the TokenRequest API or manually created .* instead of auto-generated/,
  );

  const mark = { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } } };
  await api.http('PATCH', path, { ...patch, body: mark });
  t.is(await who(token), 401);
  t.regex((await review(token)).error, /the token in secret default\/used for service account default\/robot has been/);
  await api.http('DELETE', path);
  t.is((await review(token)).error, '[invalid bearer token, Token has been invalidated]');
});

test('anyone may find the keys', async (t) => {
  const found = await api.http('GET', '/.well-known/openid-configuration');
  t.like(found.body, { issuer: 'https://kubernetes.default.svc', id_token_signing_alg_values_supported: ['ES256'] });
  t.regex(found.body.jwks_uri, /^https:\/\/10\.0\.0\.1:\d+\/openid\/v1\/jwks$/);
  const { token } = (await ask({})).status;
  t.is((await api.http('GET', '/openid/v1/jwks', { token })).code, 200, 'service accounts may');
  t.is((await api.http('GET', '/openid/v1/jwks', { token: 'bob-token' })).code, 403, 'others as roles say');
});
