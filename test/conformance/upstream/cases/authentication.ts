// Requests about who asks, as whom, and about tokens. Certificates are shown by test/conformance/access.test.ts.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = '/api/v1/namespaces/auth';
const AUTHENTICATION = '/apis/authentication.k8s.io/v1';
const TOKEN = `${NS}/serviceaccounts/default/token`;

const whoami = (name: string, h: Record<string, string>, user = 'admin'): Case => ({
  name: `who am I: ${name}`,
  m: 'POST',
  p: `${AUTHENTICATION}/selfsubjectreviews`,
  b: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  h,
  user,
});
const tokenRequest = (name: string, spec: object, more: object = {}): Case => ({
  name: `token ${name}`,
  m: 'POST',
  p: TOKEN,
  b: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['a'], ...spec }, ...more },
});
const bound = (kind: string, name?: string, uid?: string): object => ({
  boundObjectRef: { apiVersion: 'v1', kind, name, uid },
});
const review = (name: string, spec: object, query = ''): Case => ({
  name: `review of ${name}`,
  m: 'POST',
  p: `${AUTHENTICATION}/tokenreviews${query}`,
  b: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec },
});

export const cases: readonly Case[] = [
  ...createNamespace('auth'),
  whoami('a user of the token file', {}, 'alice'),
  whoami('a group without a name', {}, 'bob'),
  whoami('nobody', {}, ''),
  whoami('a wrong token', {}, 'wrong'),
  whoami('no bearer token', { authorization: 'Basic YTpi' }, ''),
  whoami('a second space', { authorization: 'Bearer  alice' }, ''),
  whoami('something behind the token', { authorization: 'bearer alice more' }, ''),
  { name: 'a wrong token in YAML', p: '/version', user: 'wrong', h: { accept: 'application/yaml' } },
  whoami('another user', { 'impersonate-user': 'x', 'impersonate-uid': 'u', 'impersonate-extra-a%2Fb': 'c' }),
  whoami('a user of a group', { 'impersonate-user': 'x', 'impersonate-group': 'g' }),
  whoami('a service account', { 'impersonate-user': 'system:serviceaccount:auth:default' }),
  whoami('no service account', { 'impersonate-user': 'system:serviceaccount:Auth:x' }),
  whoami('as nobody', { 'impersonate-user': 'system:anonymous' }),
  whoami('a group without a user', { 'impersonate-group': 'g' }),
  whoami('who may not be another', { 'impersonate-user': 'x' }, 'bob'),
  whoami('who may not be a service account', { 'impersonate-user': 'system:serviceaccount:auth:x' }, 'bob'),
  { name: 'secret', m: 'POST', p: `${NS}/secrets`, b: { metadata: { name: 's' } } },
  {
    name: 'pod',
    m: 'POST',
    p: `${NS}/pods`,
    b: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
  tokenRequest('as it is', {}),
  tokenRequest('for too short', { expirationSeconds: 599 }),
  tokenRequest('for too long', { expirationSeconds: 4_294_967_297 }),
  tokenRequest('in another name', {}, { metadata: { name: 'other' } }),
  tokenRequest('in another namespace', {}, { metadata: { namespace: 'other' } }),
  tokenRequest('for a pod', bound('Pod', 'p')),
  tokenRequest('for a pod of another uid', bound('Pod', 'p', 'wrong')),
  tokenRequest('for a pod that is not there', bound('Pod', 'none')),
  tokenRequest('for a secret', bound('Secret', 's')),
  tokenRequest('for a node that is not there', bound('Node', 'none')),
  tokenRequest('for a config map', bound('ConfigMap', 'x')),
  tokenRequest('for a pod without a name', bound('Pod')),
  { name: 'token without a body', m: 'POST', p: TOKEN },
  {
    name: 'token of nobody',
    m: 'POST',
    p: `${NS}/serviceaccounts/none/token`,
    b: { spec: { audiences: ['a'] } },
  },
  review('nobody', { token: 'wrong' }),
  review('nothing', {}),
  review('a user for somebody else', { token: 'alice', audiences: ['x'] }),
  review('what it does not know', { token: 'alice', foo: 1 }, '?fieldValidation=Strict'),
  {
    name: 'a user may not review',
    m: 'POST',
    p: `${AUTHENTICATION}/tokenreviews`,
    b: { spec: { token: 'alice' } },
    user: 'bob',
  },
];

const OWNED = 'who owns the reference as a whole is told by ours alone, as for every other object';

export const differs = { 'token for a pod': OWNED, 'token for a secret': OWNED };
