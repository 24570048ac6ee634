// Shows the labels of requests by kube-apiserver's own rules, and that no client makes new ones.
import test from 'ava';
import { requestInfo } from './request-info.ts';
import { requestLabels, resourceLabel, userLabel } from './request-labels.ts';

function labelled(method: string, path: string, contentType = '', isServed = true): string {
  const [plain = '', search = ''] = path.split('?');
  const query = new URLSearchParams(search);
  return requestLabels({ method, info: requestInfo(method, plain, query), query, contentType }, isServed).join('|');
}

test('verb, dry run, group, version, resource, subresource, scope, component', (t) => {
  const pods = '/api/v1/namespaces/a/pods';
  t.is(labelled('GET', '/api/v1/pods'), 'LIST|||v1|pods||cluster|apiserver');
  t.is(labelled('GET', pods), 'LIST|||v1|pods||namespace|apiserver');
  t.is(labelled('GET', `${pods}/p`), 'GET|||v1|pods||resource|apiserver');
  t.is(labelled('HEAD', `${pods}/p`), 'GET|||v1|pods||resource|apiserver');
  t.is(labelled('GET', `${pods}?watch=true`), 'WATCH|||v1|pods||namespace|apiserver');
  t.is(labelled('POST', `${pods}?dryRun=All&dryRun=All`), 'POST|All||v1|pods||resource|apiserver');
  t.is(labelled('POST', `${pods}?dryRun=Some`), 'POST|invalid||v1|pods||resource|apiserver');
  t.is(labelled('POST', `${pods}/p/exec`), 'CONNECT|||v1|pods|exec|resource|apiserver');
  t.is(labelled('GET', `${pods}/p/log`), 'CONNECT|||v1|pods|log|resource|apiserver');
  t.is(labelled('DELETE', pods), 'DELETE|||v1|pods||namespace|apiserver');
  const web = '/apis/apps/v1/namespaces/a/deployments/web';
  t.is(labelled('PATCH', web, 'application/json-patch+json'), 'PATCH||apps|v1|deployments||resource|apiserver');
  t.is(labelled('PATCH', web, 'application/apply-patch+yaml'), 'APPLY||apps|v1|deployments||resource|apiserver');
  t.is(labelled('PUT', `${web}/status`), 'PUT||apps|v1|deployments|status|resource|apiserver');
  t.is(labelled('GET', '/livez'), 'GET|||||/livez||');
});

test('words of clients make no labels', (t) => {
  const nothing = 'GET|||||||';
  t.is(labelled('GET', '/apis/a/v1/bees', '', false), nothing);
  t.is(labelled('GET', '/api/v1/namespaces/a/pods/p/anything'), nothing);
  t.is(labelled('GET', '/livez/anything'), nothing);
  t.is(labelled('BREW', '/api/v1/namespaces/a/pods/p'), 'other|||v1|pods||resource|apiserver');
  t.is(userLabel('system:kube-scheduler'), 'other');
  t.is(userLabel('jane@example.com'), 'email_id');
  t.is(userLabel('admin'), 'admin');
});

test('resources are named with their group behind', (t) => {
  t.is(resourceLabel('core/pods'), 'pods');
  t.is(resourceLabel('apps/deployments'), 'deployments.apps');
});
