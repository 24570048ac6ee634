// Shows that what was allowed a moment ago is asked anew once a rule or a binding has changed. Never speaks to a server.
import test from 'ava';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ClusterCache } from '../cache/cluster-cache.ts';
import { keyOf } from '../storage-key.ts';
import { Access } from './access.ts';
import { RBAC_GROUP } from './rbac.ts';
import { authenticated } from './user.ts';

const CAUSE = { span: 's', actor: 'a' };
const BOB = authenticated('bob', ['dev']);
const ASKED = { user: BOB, verb: 'get', group: '', resource: 'pods', subresource: '', namespace: 'x', name: 'p' };

function put(cache: ClusterCache, resource: string, object: KubeObject | undefined): void {
  const namespace = 'x';
  const key = keyOf({ stream: `${RBAC_GROUP}/${resource}`, namespace, name: 'reader' });
  const revision = cache.revision + 1;
  const value = Buffer.from(JSON.stringify(object ?? null));
  const type = object === undefined ? 'delete' : 'put';
  cache.apply([{ revision, cause: CAUSE, changes: [{ type, key, value, createRevision: revision }] }]);
}

const object = (kind: string, rest: object): KubeObject => ({
  apiVersion: `${RBAC_GROUP}/v1`,
  kind,
  metadata: { name: 'reader', namespace: 'x' },
  ...rest,
});
const role = (...verbs: string[]): KubeObject =>
  object('Role', { rules: [{ verbs, apiGroups: [''], resources: ['pods'] }] });
const binding = (group: string): KubeObject =>
  object('RoleBinding', { roleRef: { kind: 'Role', name: 'reader' }, subjects: [{ kind: 'Group', name: group }] });

test('the next request hears of every change, also of somebody who asked before', (t) => {
  const cache = new ClusterCache([], 0);
  const access = new Access(cache);
  const isAllowed = (): boolean => access.authorize(ASKED).allowed;
  t.false(isAllowed());
  put(cache, 'roles', role('get'));
  put(cache, 'rolebindings', binding('dev'));
  t.true(isAllowed());
  t.true(isAllowed());
  put(cache, 'roles', role('list'));
  t.false(isAllowed(), 'the rule is gone');
  put(cache, 'roles', role('get'));
  t.true(isAllowed());
  put(cache, 'rolebindings', binding('others'));
  t.false(isAllowed(), 'the binding names others');
  put(cache, 'rolebindings', binding('dev'));
  t.true(isAllowed());
  put(cache, 'rolebindings', undefined);
  t.false(isAllowed(), 'the binding is gone');
});
