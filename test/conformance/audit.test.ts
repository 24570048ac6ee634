// Shows the audit log of a running API: what is told of whom at each stage, that Audit-Id agrees, that a Secret is told only
// where the policy says so, and that files are begun anew.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import WebSocket from 'ws';
import { ADMIN_TOKEN, startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';

const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, users: [system:apiserver]}
- {level: None, nonResourceURLs: ["/readyz*"]}
- {level: Metadata, resources: [{resources: [secrets]}], omitStages: [RequestReceived]}
- {level: RequestResponse, resources: [{resources: [configmaps]}], omitManagedFields: true}
- {level: Request, resources: [{resources: [services]}]}
- {level: Metadata}
`;
const MAPS = '/api/v1/namespaces/default/configmaps';

let api: TestApi;
let dir: string;
test.before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'flotilla-audit-'));
  writeFileSync(join(dir, 'policy.yaml'), POLICY);
  api = await startApi({
    settings: { audit: { policyFile: join(dir, 'policy.yaml'), file: join(dir, 'audit.log') } },
  });
});
test.after.always(async () => {
  await api.stop();
  rmSync(dir, { recursive: true, force: true });
});

const events = (): any[] =>
  readFileSync(join(dir, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** The events of one request, once it is complete. */
const told = (id: unknown): Promise<any[]> =>
  eventually('the request is told to its end', () => {
    const own = events().filter(({ auditID }) => auditID === id);
    return own.at(-1)?.stage === 'ResponseComplete' && own;
  });

test('a write is told with what was sent and answered, and who did it by which right', async (t) => {
  const { headers } = await api.http('POST', MAPS, {
    body: { metadata: { generateName: 'm-' }, data: { a: 'b' } },
    headers: { 'user-agent': 'tester/1', 'x-forwarded-for': '10.1.2.3' },
  });
  const [received, complete] = await told(headers['audit-id']);
  t.is(received.stage, 'RequestReceived');
  t.like(complete, {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    requestURI: MAPS,
    verb: 'create',
    user: { username: 'admin', uid: '1' },
    sourceIPs: ['10.1.2.3', '127.0.0.1'],
    userAgent: 'tester/1',
    objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  });
  t.deepEqual(complete.requestObject, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { generateName: 'm-' },
    data: { a: 'b' },
  });
  t.regex(complete.responseObject.metadata.name, /^m-.{5}$/);
  t.is(complete.responseObject.metadata.managedFields, undefined);
});

test('a Secret is told by name only; a refusal with its reason; a patch as it was sent', async (t) => {
  const secret = await api.http('POST', '/api/v1/namespaces/default/secrets', {
    body: { metadata: { name: 's' }, stringData: { password: 'hunter2' } },
  });
  const [only, ...more] = await told(secret.headers['audit-id']);
  t.is(more.length, 0, 'RequestReceived is left out');
  t.is(only.objectRef.name, 's');
  t.notRegex(JSON.stringify(only), /hunter2|aHVudGVyMg/);
  const refused = await api.http('GET', '/api/v1/namespaces/default/secrets/s', { token: 'bob-token' });
  t.like((await told(refused.headers['audit-id'])).at(-1), {
    responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
  });
  const patch = await api.http('PATCH', '/api/v1/namespaces/default/services/kubernetes', {
    body: { metadata: { labels: { a: 'b' } } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  const [, patched] = await told(patch.headers['audit-id']);
  t.deepEqual(patched.requestObject, { metadata: { labels: { a: 'b' } } });
  t.is(patched.responseObject, undefined, 'the level is Request');
});

test('impersonation tells both; who is nobody is told too; rules are passed over in order', async (t) => {
  const as = await api.http('GET', '/api/v1/nodes', {
    headers: { 'impersonate-user': 'bob', 'audit-id': 'my-own-id' },
  });
  t.is(as.code, 403);
  t.is(as.headers['audit-id'], 'my-own-id');
  t.like((await told('my-own-id')).at(-1), {
    user: { username: 'admin' },
    impersonatedUser: { username: 'bob', groups: ['system:authenticated'] },
    responseStatus: { code: 403 },
  });
  const nobody = await api.http('GET', '/api/v1/nodes', { token: 'wrong' });
  t.is(nobody.code, 401);
  // Once, as upstream: what comes before is told only of who is known.
  const refused = await eventually('the refusal is told', () =>
    events().find(({ auditID }) => auditID === nobody.headers['audit-id']),
  );
  t.like(refused, { stage: 'ResponseStarted', user: {}, responseStatus: { code: 401 } });
  const ready = await api.http('GET', '/readyz');
  const after = await api.http('GET', '/version');
  await told(after.headers['audit-id']);
  t.false(events().some(({ auditID }) => auditID === ready.headers['audit-id']));
});

test('a watch is told when it begins and when it ends; an actor by its name', async (t) => {
  await api.watch('/api/v1/namespaces?watch=true', 1);
  const watched = await eventually('the watch has ended', () => {
    const own = events().filter(({ requestURI }) => requestURI === '/api/v1/namespaces?watch=true');
    return own.length === 3 && own;
  });
  t.deepEqual(
    watched.map(({ stage }) => stage),
    ['RequestReceived', 'ResponseStarted', 'ResponseComplete'],
  );
  await api.bus('scheduler-1', { method: 'GET', path: '/api/v1/pods' });
  const [bus] = await eventually('the actor is told', () => {
    const own = events().filter(({ userAgent, stage }) => userAgent === 'scheduler-1' && stage === 'ResponseComplete');
    return own.length > 0 && own;
  });
  t.is(bus.user.username, 'system:kube-scheduler');
  t.regex(
    bus.annotations['authorization.k8s.io/reason'],
    /^RBAC: allowed by ClusterRoleBinding "system:kube-scheduler"/,
  );
});

test('a conversation is told too, also one that is refused', async (t) => {
  const path = `/api/v1/namespaces/default/pods/none/exec?command=ls&stdout=true`;
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}${path}`, ['v5.channel.k8s.io'], {
    ca: api.caPem,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  await new Promise((resolve) => socket.once('unexpected-response', resolve).once('error', resolve));
  const [, complete] = await eventually('the refusal is told', () => {
    const own = events().filter(({ requestURI }) => requestURI === path);
    return own.length === 2 && own;
  });
  t.like(complete, {
    verb: 'get',
    objectRef: { resource: 'pods', subresource: 'exec', name: 'none' },
    responseStatus: { code: 404 },
  });
});

test('a full file is put aside, and so many of them are kept', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'flotilla-audit-'));
  t.teardown(() => rmSync(own, { recursive: true, force: true }));
  const { AuditFile } = await import('../../services/apiserver/edge/audit/audit-file.ts');
  let now = 0;
  const clock = { now: () => (now += 1_000), monotonic: () => 0, timer: () => ({ cancel() {} }) };
  const file = new AuditFile({ file: join(own, 'audit.log'), maxSizeMegabytes: 0.001, maxBackups: 2 }, clock, {
    error: () => {},
  } as never);
  for (let i = 0; i < 40; i++) {
    file.write(`${i} ${'x'.repeat(100)}`);
    await file.flush();
  }
  const names = readdirSync(own).toSorted();
  t.is(names.length, 3);
  t.regex(names[0]!, /^audit-1970-01-01T00-00-\d\d\.\d{3}\.log$/);
  t.is(file.dropped, 0);
  const lines = names.flatMap((name) => readFileSync(join(own, name), 'utf8').trimEnd().split('\n'));
  t.true(lines.some((line) => line.startsWith('39 ')));
});

test('what a pod breaks of its namespace is noted, and by which standard it was judged', async (t) => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/audit': 'restricted' };
  await api.http('POST', '/api/v1/namespaces', { body: { metadata: { name: 'noted', labels } } });
  await api.http('POST', '/api/v1/namespaces/noted/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const { code, headers } = await api.http('POST', '/api/v1/namespaces/noted/pods', {
    body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  });
  t.deepEqual([code, headers['warning']], [201, undefined]);
  const { annotations } = (await told(headers['audit-id'])).at(-1);
  t.is(annotations['pod-security.kubernetes.io/enforce-policy'], 'baseline:latest');
  t.regex(
    annotations['pod-security.kubernetes.io/audit-violations'],
    /^would violate PodSecurity "restricted:latest": /,
  );
});

test('what a policy finds is told where its binding says so, and what it wants told besides', async (t) => {
  const at = '/apis/admissionregistration.k8s.io/v1';
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
  const spec = {
    matchConstraints: { resourceRules: rules },
    matchConditions: [{ name: 'own', expression: 'object.metadata.name.startsWith("judged")' }],
    validations: [{ expression: 'true' }, { expression: 'has(object.data)', message: 'no data' }],
    auditAnnotations: [
      { key: 'name', valueExpression: '"it is " + object.metadata.name' },
      { key: 'none', valueExpression: 'null' },
    ],
  };
  await api.http('POST', `${at}/validatingadmissionpolicies`, { body: { metadata: { name: 'noted' }, spec } });
  const binding = { metadata: { name: 'b' }, spec: { policyName: 'noted', validationActions: ['Audit', 'Warn'] } };
  await api.http('POST', `${at}/validatingadmissionpolicybindings`, { body: binding });
  const { code, headers } = await api.http('POST', MAPS, { body: { metadata: { name: 'judged' } } });
  t.is(code, 201);
  const { annotations } = (await told(headers['audit-id'])).at(-1);
  t.is(annotations['noted/name'], 'it is judged');
  t.false('noted/none' in annotations);
  t.deepEqual(JSON.parse(annotations['validation.policy.admission.k8s.io/validation_failure']), [
    { message: 'no data', policy: 'noted', binding: 'b', expressionIndex: 1, validationActions: ['Audit', 'Warn'] },
  ]);
});

test('an API that is to be audited does not start without a policy', async (t) => {
  await t.throwsAsync(
    startApi({ settings: { audit: { policyFile: join(dir, 'none.yaml'), file: join(dir, 'other.log') } } }),
    { message: /none\.yaml/ },
  );
});
