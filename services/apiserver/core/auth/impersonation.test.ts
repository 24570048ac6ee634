// Shows as whom a request is made when it says so, what its sender must be allowed for that, and upstream's words.
import test from 'ava';
import { refusalText } from './attributes.ts';
import { impersonation } from './impersonation.ts';
import { authenticated } from './user.ts';

const admin = authenticated('admin', []);
const as = (...headers: Array<[string, string]>) => impersonation(admin, headers, '/api');

test('user, uid, groups and extra are asked for one by one', (t) => {
  t.is(as(['authorization', 'x']), undefined);
  const { user, asks } = as(
    ['impersonate-user', 'bob'],
    ['impersonate-group', 'developers'],
    ['impersonate-group', 'a, b'],
    ['impersonate-uid', '7'],
    ['impersonate-extra-scopes.example.com%2Fview', 'one'],
    ['impersonate-extra-scopes.example.com%2Fview', 'two'],
  )!;
  t.deepEqual(user, {
    name: 'bob',
    uid: '7',
    groups: ['developers', 'a, b', 'system:authenticated'],
    extra: { 'scopes.example.com/view': ['one', 'two'] },
  });
  t.deepEqual(
    asks.map((asked) => refusalText(asked, '')),
    [
      'users "bob" is forbidden: User "admin" cannot impersonate resource "users" in API group "" at the cluster scope',
      'groups "developers" is forbidden: User "admin" cannot impersonate resource "groups" in API group "" at the cluster scope',
      'groups "a, b" is forbidden: User "admin" cannot impersonate resource "groups" in API group "" at the cluster scope',
      'userextras.authentication.k8s.io "one" is forbidden: User "admin" cannot impersonate resource "userextras/scopes.example.com/view" in API group "authentication.k8s.io" at the cluster scope',
      'userextras.authentication.k8s.io "two" is forbidden: User "admin" cannot impersonate resource "userextras/scopes.example.com/view" in API group "authentication.k8s.io" at the cluster scope',
      'uids.authentication.k8s.io "7" is forbidden: User "admin" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
    ],
  );
});

test('a service account has its groups, unless others are named', (t) => {
  const account = as(['impersonate-user', 'system:serviceaccount:a:robot'])!;
  t.deepEqual(account.user.groups, ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']);
  t.is(
    refusalText(account.asks[0]!, ''),
    'serviceaccounts "robot" is forbidden: User "admin" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "a"',
  );
  t.deepEqual(as(['impersonate-user', 'system:serviceaccount:a:robot'], ['impersonate-group', 'x'])!.user.groups, [
    'x',
    'system:authenticated',
  ]);
});

test('everyone is authenticated but the anonymous user, and who is said not to be', (t) => {
  const groups = (name: string, ...named: string[]): readonly string[] =>
    as(['impersonate-user', name], ...named.map((group): [string, string] => ['impersonate-group', group]))!.user
      .groups;
  t.deepEqual(groups('system:anonymous'), ['system:unauthenticated']);
  t.deepEqual(groups('system:anonymous', 'x'), ['x', 'system:unauthenticated']);
  t.deepEqual(groups('bob', 'system:unauthenticated'), ['system:unauthenticated']);
  t.deepEqual(groups('bob', 'system:authenticated'), ['system:authenticated']);
});

test('nobody is only a group', (t) => {
  t.throws(() => as(['impersonate-group', 'x'], ['impersonate-uid', '7']), {
    message:
      'Internal Server Error: "/api": requested [{Group  x    } {UID  7  authentication.k8s.io/v1  }] without impersonating a user',
  });
});
