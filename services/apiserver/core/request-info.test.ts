// Shows what paths and methods ask for, and that no path is read as another.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { requestInfo, segmentProblem } from './request-info.ts';

function told(method: string, url: string): string {
  const [path = '', query = ''] = url.split('?');
  const info = requestInfo(method, path, new URLSearchParams(query));
  if (!info.isResource) return `${info.verb} ${info.path}`;
  const { verb, group, version, resource, subresource, namespace, name } = info;
  return `${verb} ${group}/${version} ${resource}${subresource === '' ? '' : `/${subresource}`} ns=${namespace} name=${name}`;
}

const CASES: Array<[string, string, string]> = [
  ['GET', '/api/v1/pods', 'list /v1 pods ns= name='],
  ['GET', '/api/v1/namespaces/x/pods', 'list /v1 pods ns=x name='],
  ['GET', '/api/v1/namespaces/x/pods/p', 'get /v1 pods ns=x name=p'],
  ['GET', '/api/v1/namespaces/x/pods/p/log?follow=true', 'get /v1 pods/log ns=x name=p'],
  ['POST', '/api/v1/namespaces/x/pods/p/binding', 'create /v1 pods/binding ns=x name=p'],
  ['OPTIONS', '/api/v1/namespaces/x/pods/p/proxy/a', ' /v1 pods/proxy ns=x name=p'],
  ['GET', '/api/v1/namespaces/x', 'get /v1 namespaces ns=x name=x'],
  ['PUT', '/api/v1/namespaces/x/finalize', 'update /v1 namespaces/finalize ns=x name=x'],
  ['PATCH', '/api/v1/namespaces/x/status', 'patch /v1 namespaces/status ns=x name=x'],
  ['DELETE', '/apis/apps/v1/namespaces/x/deployments', 'deletecollection apps/v1 deployments ns=x name='],
  ['DELETE', '/apis/apps/v1/namespaces/x/deployments/d', 'delete apps/v1 deployments ns=x name=d'],
  ['GET', '/apis/apps/v1/deployments?watch=true', 'watch apps/v1 deployments ns= name='],
  ['GET', '/apis/apps/v1/namespaces/x/deployments/d?watch=1', 'get apps/v1 deployments ns=x name=d'],
  ['GET', '/api/v1/pods?watch=anything', 'watch /v1 pods ns= name='],
  ['GET', '/api/v1/pods?watch=False', 'list /v1 pods ns= name='],
  ['GET', '/api/v1/namespaces//pods', 'list /v1 pods ns= name='],
  ['GET', '/api/v1/namespaces/x/pods/a%2flog', 'get /v1 pods/log ns=x name=a'],
  ['GET', '/%61pi/v1/pods/', 'list /v1 pods ns= name='],
  ['GET', '/%6detrics', 'get /metrics'],
  ['GET', '/api/v1/watch/namespaces/x/pods/p', 'watch /v1 pods ns=x name=p'],
  ['GET', '/api/v1/pods?watch=false', 'list /v1 pods ns= name='],
  ['GET', '/api/v1/namespaces/x/secrets?fieldSelector=metadata.name%3Ds', 'list /v1 secrets ns=x name=s'],
  ['HEAD', '/api/v1/nodes/n', 'get /v1 nodes ns= name=n'],
  ['GET', '/api/v1/nodes/system%3An', 'get /v1 nodes ns= name=system:n'],
  ['GET', '/api', 'get /api'],
  ['GET', '/apis/apps/v1', 'get /apis/apps/v1'],
  ['__proto__', '/api/v1/nodes/n', ' /v1 nodes ns= name=n'],
  ['constructor', '/api/v1/nodes', ' /v1 nodes ns= name='],
  ['POST', '/healthz', 'post /healthz'],
];

test('paths', (t) => {
  for (const [method, url, expected] of CASES) t.is(told(method, url), expected, `${method} ${url}`);
});

test('a name is no other path', (t) => {
  t.is(segmentProblem('..'), "may not be '..'");
  t.is(segmentProblem('.'), "may not be '.'");
  t.is(segmentProblem('a%b'), "may not contain '%'");
  t.is(segmentProblem('a/b'), "may not contain '/'");
  t.is(segmentProblem('...'), undefined);
  t.throws(() => requestInfo('GET', '/api/v1/pods/%', new URLSearchParams()), { name: 'ApiError' });
});

test('any text is an answer or a refusal, never a crash', (t) => {
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'EAT'), fc.webPath(), (method, path) => {
      try {
        t.is(typeof requestInfo(method, `/api/v1${path}`, new URLSearchParams()).verb, 'string');
      } catch (error) {
        t.is((error as Error).name, 'ApiError');
      }
    }),
    { numRuns: 500 },
  );
});
