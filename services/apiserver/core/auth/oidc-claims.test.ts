// Shows which user the claims of a provider's token stand for, and which options of a provider cannot be.
import test from 'ava';
import { oidcProblem } from '../../../../lib/api/oidc-options.ts';
import { userOfOidc } from './oidc-claims.ts';

const options = { issuerUrl: 'https://id.example.com', clientId: 'flotilla' };

test('the name is the subject behind its issuer, or what is asked for', (t) => {
  const claims = { sub: '7', email: 'a@b.c', name: 'alice', groups: ['x', 'y'], team: 'red' };
  const name = (more: object): unknown => {
    const user = userOfOidc(claims, { ...options, ...more });
    return typeof user === 'string' ? user : user.name;
  };
  t.is(name({}), 'https://id.example.com#7');
  t.is(name({ usernameClaim: 'email' }), 'a@b.c');
  t.is(name({ usernameClaim: 'name' }), 'https://id.example.com#alice');
  t.is(name({ usernameClaim: 'name', usernamePrefix: '-' }), 'alice');
  t.is(name({ usernameClaim: 'name', usernamePrefix: 'oidc:' }), 'oidc:alice');
  t.is(name({ usernameClaim: 'nick' }), 'oidc: parse username claims "nick": claim not present');
  t.is(
    userOfOidc({ email: 'a', email_verified: false }, { ...options, usernameClaim: 'email' }),
    'oidc: email not verified',
  );
  t.like(userOfOidc(claims, { ...options, groupsClaim: 'groups', groupsPrefix: 'o:' }), {
    groups: ['o:x', 'o:y', 'system:authenticated'],
  });
  t.like(userOfOidc(claims, { ...options, groupsClaim: 'team' }), { groups: ['red', 'system:authenticated'] });
  t.is(name({ requiredClaims: ['team=red'] }), 'https://id.example.com#7');
  t.is(
    name({ requiredClaims: ['team=blue'] }),
    'oidc: required claim team value does not match. Got = red, want = blue',
  );
  t.is(name({ requiredClaims: ['tenant=x'] }), 'oidc: required claim tenant not present in ID token');
});

test('options that cannot be are refused with the option and its value', (t) => {
  t.is(oidcProblem(options), undefined);
  t.regex(oidcProblem({ clientId: 'x' })!, /^--oidc-issuer-url: it must be given/);
  t.regex(oidcProblem({ ...options, issuerUrl: 'http://a' })!, /invalid scheme \(http\), require 'https'/);
  t.regex(oidcProblem({ ...options, issuerUrl: 'a b' })!, /it is no URL/);
  t.regex(oidcProblem({ ...options, clientId: '' })!, /^--oidc-client-id/);
  t.regex(oidcProblem({ ...options, requiredClaims: ['a'] })!, /--oidc-required-claim a: it must be key=value/);
  t.regex(oidcProblem({ ...options, signingAlgs: ['HS256'] })!, /--oidc-signing-algs HS256: it must be one of RS256/);
});
