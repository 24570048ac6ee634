// Shows which rule of a policy is for a request, and what an event tells at each stage.
import test from 'ava';
import type { AuditPolicy } from '../../../../lib/api/audit-policy.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { requestInfo } from '../request-info.ts';
import { auditEvent, withoutManagedFields, type Audited } from './event.ts';
import { auditDecision } from './policy.ts';

const info = (method: string, path: string) => requestInfo(method, path, new URLSearchParams());
const user = (name: string, ...groups: string[]) => ({ name, groups });

test('the first rule that matches decides, and none is None', (t) => {
  const policy: AuditPolicy = {
    omitStages: ['RequestReceived'],
    omitManagedFields: true,
    rules: [
      { level: 'None', users: ['proxy'], verbs: ['watch', 'list'] },
      { level: 'None', nonResourceURLs: ['/healthz*'] },
      { level: 'Metadata', resources: [{ resources: ['secrets', 'serviceaccounts/token'] }], omitManagedFields: false },
      { level: 'Request', resources: [{ resources: ['pods/*'] }], omitStages: ['ResponseStarted'] },
      { level: 'RequestResponse', resources: [{ group: 'apps', resources: ['deployments'], resourceNames: ['web'] }] },
      { level: 'Request', userGroups: ['ops'], namespaces: ['prod', ''] },
      { level: 'Metadata', resources: [{ group: 'batch' }] },
    ],
  };
  const level = (who: ReturnType<typeof user> | undefined, method: string, path: string): string =>
    auditDecision(policy, who, info(method, path)).level;
  t.is(level(user('proxy'), 'GET', '/api/v1/services'), 'None');
  t.is(level(user('x'), 'GET', '/healthz/ping'), 'None');
  t.is(level(user('x'), 'GET', '/api/v1/namespaces/a/secrets/s'), 'Metadata');
  t.is(level(user('x'), 'POST', '/api/v1/namespaces/a/serviceaccounts/s/token'), 'Metadata');
  t.is(level(user('x'), 'POST', '/api/v1/namespaces/a/pods/p/exec'), 'Request');
  t.is(level(user('x'), 'GET', '/api/v1/namespaces/a/pods/p'), 'Request', 'as upstream: pods/* is for pods too');
  t.is(level(user('x'), 'GET', '/apis/apps/v1/namespaces/a/deployments/web'), 'RequestResponse');
  t.is(level(user('x'), 'GET', '/apis/apps/v1/namespaces/a/deployments/other'), 'None');
  t.is(level(user('x', 'ops'), 'GET', '/api/v1/namespaces/prod/services/s'), 'Request');
  t.is(level(user('x', 'ops'), 'GET', '/api/v1/nodes/n'), 'Request', 'cluster scope is the empty namespace');
  t.is(level(user('x', 'ops'), 'GET', '/api/v1/namespaces/dev/services/s'), 'None');
  t.is(level(user('x'), 'DELETE', '/apis/batch/v1/namespaces/a/jobs/j'), 'Metadata');
  t.is(
    level(undefined, 'DELETE', '/apis/batch/v1/namespaces/a/jobs/j'),
    'Metadata',
    'nobody is somebody to a rule for all',
  );
  t.is(level(undefined, 'GET', '/api/v1/services'), 'None');
  const exec = auditDecision(policy, user('x'), info('POST', '/api/v1/namespaces/a/pods/p/exec'));
  t.deepEqual([...exec.omitStages].toSorted(), ['RequestReceived', 'ResponseStarted']);
  t.true(exec.omitManagedFields);
  t.false(auditDecision(policy, user('x'), info('GET', '/api/v1/secrets')).omitManagedFields);
});

test("an event has upstream's fields", (t) => {
  const audited: Audited = {
    level: 'RequestResponse',
    auditId: 'id',
    uri: '/api/v1/namespaces/a/pods',
    info: info('POST', '/api/v1/namespaces/a/pods'),
    user: { name: 'alice', groups: ['g'] },
    impersonated: { name: 'bob', groups: [] },
    sourceIps: ['127.0.0.1'],
    userAgent: 'kubectl',
    receivedAt: 0,
    name: 'p',
    requestObject: { kind: 'Pod' },
    responseObject: { kind: 'Pod' },
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  };
  t.deepEqual(auditEvent(audited, 'ResponseComplete', 1_000, { code: 201 }), {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: 'id',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/a/pods',
    verb: 'create',
    user: { username: 'alice', groups: ['g'] },
    impersonatedUser: { username: 'bob', groups: [] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'kubectl',
    objectRef: { resource: 'pods', namespace: 'a', name: 'p', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { kind: 'Pod' },
    responseObject: { kind: 'Pod' },
    requestReceivedTimestamp: '1970-01-01T00:00:00.000000Z',
    stageTimestamp: '1970-01-01T00:00:01.000000Z',
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  });
  const begun = auditEvent(audited, 'RequestReceived', 0) as any;
  t.deepEqual([begun.requestObject, begun.responseObject, begun.responseStatus], [undefined, undefined, undefined]);
  const status = new ApiError('Forbidden', 'no').toStatus();
  t.deepEqual((auditEvent(audited, 'ResponseComplete', 0, { code: 403, status }) as any).responseStatus, {
    metadata: {},
    status: 'Failure',
    message: 'no',
    reason: 'Forbidden',
    code: 403,
  });
});

test('managed fields are left out of objects and lists', (t) => {
  t.deepEqual(withoutManagedFields({ metadata: { name: 'a', managedFields: [1] }, spec: {} }), {
    metadata: { name: 'a' },
    spec: {},
  });
  t.deepEqual(withoutManagedFields({ items: [{ metadata: { managedFields: [1] } }] }), { items: [{ metadata: {} }] });
});
