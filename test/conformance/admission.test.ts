// Shows what admission does to a write: limits, quotas, classes, pod security, policies in CEL, webhooks.
import { createServer, type Server } from 'node:https';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ADMIN_TOKEN, startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';

const NS = '/api/v1/namespaces/x';
const POLICIES = '/apis/admissionregistration.k8s.io/v1';
const MERGE = { 'content-type': 'application/merge-patch+json' };

async function began(t: ExecutionContext, labels: Record<string, string> = {}): Promise<TestApi> {
  const api = await startApi();
  t.teardown(() => api.stop());
  await api.http('POST', '/api/v1/namespaces', { body: { metadata: { name: 'x', labels } } });
  await api.http('POST', `${NS}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  return api;
}

const pod = (api: TestApi, name: string, container: object = {}, spec: object = {}): Promise<HttpAnswer> =>
  api.http('POST', `${NS}/pods`, {
    body: { metadata: { name }, spec: { containers: [{ name: 'c', image: 'x', ...container }], ...spec } },
  });
const configMap = (api: TestApi, name: string, data: object = {}): Promise<HttpAnswer> =>
  api.http('POST', `${NS}/configmaps`, { body: { metadata: { name }, data } });

test('a LimitRange fills in what is missing and refuses what is out of bounds', async (t) => {
  const api = await began(t);
  const limits = [{ type: 'Container', default: { cpu: '200m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' } }];
  await api.http('POST', `${NS}/limitranges`, { body: { metadata: { name: 'l' }, spec: { limits } } });
  const { body } = await pod(api, 'a');
  t.deepEqual(body.spec.containers[0].resources, { limits: { cpu: '200m' }, requests: { cpu: '100m' } });
  t.is(
    body.metadata.annotations['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
  );
  const big = await pod(api, 'b', { resources: { limits: { cpu: '2' }, requests: { cpu: '1' } } });
  t.is(big.body.message, 'pods "b" is forbidden: maximum cpu usage per Container is 1, but limit is 2');
});

test('a quota is never overdrawn, however many ask at once', async (t) => {
  const api = await began(t);
  const hard = { 'count/configmaps': '5', pods: '1', 'requests.cpu': '1' };
  await api.http('POST', `${NS}/resourcequotas`, { body: { metadata: { name: 'q' }, spec: { hard } } });
  t.regex((await configMap(api, 'early')).body.message, /status unknown for quota: q, resources: count\/configmaps/);
  const used = { 'count/configmaps': '0', pods: '0', 'requests.cpu': '0' };
  await api.http('PATCH', `${NS}/resourcequotas/q/status`, { body: { status: { hard, used } }, headers: MERGE });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => configMap(api, `c${i}`)));
  t.is(answers.filter(({ code }) => code === 201).length, 5);
  const refused = answers.filter(({ code }) => code === 403);
  t.is(refused.length, 15);
  t.regex(
    refused[0]!.body.message,
    /exceeded quota: q, requested: count\/configmaps=1, used: count\/configmaps=5, limited: count\/configmaps=5/,
  );
  t.is((await api.http('GET', `${NS}/resourcequotas/q`)).body.status.used['count/configmaps'], '5');
  t.regex((await pod(api, 'p')).body.message, /failed quota: q: must specify requests.cpu for: c/);
  const dry = await api.http('POST', `${NS}/pods?dryRun=All`, {
    body: {
      metadata: { name: 'd' },
      spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }] },
    },
  });
  t.is(dry.code, 201);
  t.is((await api.http('GET', `${NS}/resourcequotas/q`)).body.status.used.pods, '0', 'a dry run takes nothing');
});

test('classes: the newest default is taken, a runtime class brings its cost and its place', async (t) => {
  const api = await began(t);
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await api.http('POST', '/apis/storage.k8s.io/v1/storageclasses', {
    body: { metadata: { name: 'fast', annotations }, provisioner: 'example.com/fast' },
  });
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const claims = `${NS}/persistentvolumeclaims`;
  const claim = await api.http('POST', claims, { body: { metadata: { name: 'a' }, spec } });
  t.is(claim.body.spec.storageClassName, 'fast');
  const none = await api.http('POST', claims, {
    body: { metadata: { name: 'b' }, spec: { ...spec, storageClassName: '' } },
  });
  t.is(none.body.spec.storageClassName, '');
  await api.http('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
    body: {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { cpu: '50m' } },
      scheduling: { nodeSelector: { vm: 'yes' } },
    },
  });
  const made = await pod(api, 'p', {}, { runtimeClassName: 'vm' });
  t.deepEqual([made.body.spec.overhead, made.body.spec.nodeSelector], [{ cpu: '50m' }, { vm: 'yes' }]);
  t.is((await pod(api, 'q', {}, { runtimeClassName: 'no' })).code, 403);
});

test('pod security: enforce refuses pods, warn tells of templates', async (t) => {
  const api = await began(t, {
    'pod-security.kubernetes.io/enforce': 'baseline',
    'pod-security.kubernetes.io/warn': 'restricted',
  });
  const refused = await pod(api, 'a', { securityContext: { privileged: true } }, { hostNetwork: true });
  t.is(
    refused.body.message,
    'pods "a" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "c" must not set securityContext.privileged=true)',
  );
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
  const body = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } };
  const made = await api.http('POST', '/apis/apps/v1/namespaces/x/deployments', { body });
  t.is(made.code, 201);
  t.regex(
    String(made.headers['warning']),
    /would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation != false/,
  );
  const good = {
    securityContext: {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
  const clean = await pod(api, 'b', good);
  t.deepEqual([clean.code, clean.headers['warning']], [201, undefined]);
});

test('pod security: containers that come later are judged, too; a namespace is told what it cannot ask for, and who breaks it', async (t) => {
  const api = await began(t);
  await pod(api, 'a', { securityContext: { privileged: true } });
  await pod(api, 'b', { securityContext: { privileged: true } });
  await pod(api, 'c', {}, { hostNetwork: true });
  await pod(api, 'good');
  const label = (value: string, key = 'enforce'): Promise<HttpAnswer> =>
    api.http('PATCH', NS, {
      body: { metadata: { labels: { [`pod-security.kubernetes.io/${key}`]: value } } },
      headers: MERGE,
    });
  const nonsense = await label('nonsense');
  t.is(nonsense.code, 422);
  t.is(
    nonsense.body.message,
    'Namespace "x" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "nonsense": must be one of privileged, baseline, restricted',
  );
  t.regex((await label('v2', 'warn-version')).body.message, /must be "latest" or "v1.x"/);
  const warned = await label('baseline');
  t.is(warned.code, 200);
  t.deepEqual(
    [warned.headers['warning']]
      .flat()
      .join()
      .match(/"(?:[^"\\]|\\.)*"/g)
      ?.map((text) => JSON.parse(text)),
    [
      'existing pods in namespace "x" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 1 other pod): privileged',
      'c: host namespaces',
    ],
  );
  const debug = (securityContext: object): Promise<HttpAnswer> =>
    api.http('PATCH', `${NS}/pods/good/ephemeralcontainers`, {
      body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'y', securityContext }] } },
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
  t.regex((await debug({ privileged: true })).body.message, /violates PodSecurity "baseline:latest": privileged/);
  t.is((await debug({})).code, 200);
  const relabelled = await api.http('PATCH', `${NS}/pods/a`, {
    body: { metadata: { labels: { a: 'b' } } },
    headers: MERGE,
  });
  t.is(relabelled.code, 200, 'what does not touch its containers is let be');
  const body = { spec: { containers: [{ name: 'c', image: 'z' }] } };
  const changed = await api.http('PATCH', `${NS}/pods/a`, {
    body,
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
  });
  t.is(changed.code, 403);
});

test('a policy in CEL judges what its binding lays it over, with parameters', async (t) => {
  const api = await began(t);
  const rules = [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] },
  ];
  const spec = {
    matchConstraints: { resourceRules: rules },
    matchConditions: [{ name: 'not-the-param', expression: 'request.name != "most"' }],
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    variables: [{ name: 'most', expression: 'int(params.data.most)' }],
    validations: [
      {
        expression: 'request.operation == "DELETE" ? !has(oldObject.data.keep) : size(object.data) <= variables.most',
        messageExpression: '"at most " + string(variables.most)',
      },
    ],
  };
  const paramRef = { name: 'most', namespace: 'x', parameterNotFoundAction: 'Deny' };
  const policy = await api.http('POST', `${POLICIES}/validatingadmissionpolicies`, {
    body: { metadata: { name: 'p' }, spec },
  });
  t.is(policy.code, 201);
  await configMap(api, 'most', { most: '1' });
  const binding = { metadata: { name: 'b' }, spec: { policyName: 'p', paramRef, validationActions: ['Deny'] } };
  await api.http('POST', `${POLICIES}/validatingadmissionpolicybindings`, { body: binding });
  t.is((await configMap(api, 'one', { keep: '1' })).code, 201);
  const two = await configMap(api, 'two', { a: '1', b: '2' });
  t.is(two.code, 422);
  t.is(
    two.body.message,
    `configmaps "two" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: at most 1`,
  );
  t.is((await api.http('DELETE', `${NS}/configmaps/one`)).code, 422);
  const warn = { spec: { validationActions: ['Warn'] } };
  await api.http('PATCH', `${POLICIES}/validatingadmissionpolicybindings/b`, { body: warn, headers: MERGE });
  const warned = await configMap(api, 'two', { a: '1', b: '2' });
  t.is(warned.code, 201);
  t.regex(
    String(warned.headers['warning']),
    /Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': at most 1/,
  );
  const broken = await api.http('POST', `${POLICIES}/validatingadmissionpolicies`, {
    body: { metadata: { name: 'q' }, spec: { ...spec, validations: [{ expression: 'object.' }] } },
  });
  t.regex(broken.body.message, /spec.validations\[0\].expression: Invalid value: "object.": compilation failed/);
});

test('a policy asks who may do what, of the asker, of an account and of what the request is about', async (t) => {
  const api = await began(t);
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
  const robot = 'authorizer.serviceAccount("x", "robot").group("").resource("configmaps").namespace("x")';
  const spec = {
    matchConstraints: { resourceRules: rules },
    matchConditions: [{ name: 'not-free', expression: '!authorizer.path("/free").check("get").allowed()' }],
    validations: [
      {
        expression: 'authorizer.requestResource.check("breakglass").allowed()',
        messageExpression:
          '"robot: " + string(authorizer.serviceAccount("x", "robot").path("/").check("get").allowed())',
        reason: 'Forbidden',
      },
      { expression: `${robot}.check("create").allowed()`, message: 'the robot may not' },
    ],
  };
  await api.http('POST', `${POLICIES}/validatingadmissionpolicies`, { body: { metadata: { name: 'p' }, spec } });
  const binding = { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'] } };
  await api.http('POST', `${POLICIES}/validatingadmissionpolicybindings`, { body: binding });
  const grant = async (name: string, rule: object, subjects: object[]): Promise<void> => {
    const group = 'rbac.authorization.k8s.io';
    const at = `/apis/${group}/v1`;
    await api.http('POST', `${at}/clusterroles`, { body: { metadata: { name }, rules: [rule] } });
    const roleRef = { apiGroup: group, kind: 'ClusterRole', name };
    await api.http('POST', `${at}/clusterrolebindings`, { body: { metadata: { name }, roleRef, subjects } });
  };
  const bob = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' };
  await grant('makes', { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }, [bob]);
  const make = (name: string, token: string): Promise<HttpAnswer> =>
    api.http('POST', `${NS}/configmaps`, { body: { metadata: { name } }, token });
  const refused = await make('one', 'bob-token');
  t.is(refused.code, 403);
  t.regex(refused.body.message, /denied request: robot: false$/);
  await grant('breaks', { apiGroups: [''], resources: ['configmaps'], resourceNames: ['one'], verbs: ['breakglass'] }, [
    bob,
  ]);
  t.regex((await make('one', 'bob-token')).body.message, /denied request: the robot may not$/);
  await grant('robots', { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }, [
    { kind: 'ServiceAccount', namespace: 'x', name: 'robot' },
  ]);
  t.is((await make('one', 'bob-token')).code, 201);
  t.is((await make('two', 'bob-token')).code, 403, 'the right is to one name');
  t.is((await make('three', ADMIN_TOKEN)).code, 201, 'a condition that does not hold');
});

test('a new node takes no pods before it is known to be ready', async (t) => {
  const api = await began(t);
  const own = { key: 'own', effect: 'NoExecute' };
  const made = await api.http('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' }, spec: { taints: [own] } } });
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  t.deepEqual(made.body.spec.taints, [own, notReady]);
  const body = { spec: { taints: [own] } };
  const cleared = await api.http('PATCH', '/api/v1/nodes/n', { body, headers: MERGE });
  t.deepEqual(cleared.body.spec.taints, [own], 'who takes it away has seen the node');
});

const RULES = [
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps', 'pods'] },
];

async function mutates(api: TestApi, name: string, spec: object, binding: object = {}): Promise<HttpAnswer> {
  const matchConstraints = { resourceRules: RULES };
  const body = { metadata: { name }, spec: { matchConstraints, reinvocationPolicy: 'Never', ...spec } };
  const made = await api.http('POST', `${POLICIES}/mutatingadmissionpolicies`, { body });
  await api.http('POST', `${POLICIES}/mutatingadmissionpolicybindings`, {
    body: { metadata: { name }, spec: { policyName: name, ...binding } },
  });
  return made;
}

const apply = (expression: string): object => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const jsonPatch = (expression: string): object => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

test('mutating policies merge objects and apply patches, one after the other, before defaults and validation', async (t) => {
  const api = await began(t);
  const made = await mutates(api, 'sidecar', {
    matchConditions: [{ name: 'wants', expression: 'object.metadata.?labels[?"sidecar"].orValue("") == "yes"' }],
    variables: [{ name: 'image', expression: '"proxy:" + string(size(object.spec.containers))' }],
    mutations: [
      apply(
        'Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: "mesh", image: variables.image, restartPolicy: "Always"}]}}',
      ),
      jsonPatch('[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("mesh/on"), value: "true"}]'),
      jsonPatch('[JSONPatch{op: "test", path: "/spec/nodeName", value: "x"}, JSONPatch{op: "remove", path: "/spec"}]'),
    ],
  });
  t.is(made.code, 201, made.text);
  const body = {
    metadata: { name: 'a', labels: { sidecar: 'yes' } },
    spec: { containers: [{ name: 'c', image: 'x' }] },
  };
  const changed = await api.http('POST', `${NS}/pods`, { body });
  t.is(changed.code, 201, changed.text);
  const [container] = changed.body.spec.initContainers;
  t.like(container, { name: 'mesh', image: 'proxy:1', restartPolicy: 'Always', imagePullPolicy: 'IfNotPresent' });
  t.deepEqual(changed.body.metadata.labels, { sidecar: 'yes', 'mesh/on': 'true' });
  t.is((await pod(api, 'b')).body.spec.initContainers, undefined, 'a condition that does not hold');
});

test('a mutating policy has parameters, is asked again when it wishes, and fails as it says', async (t) => {
  const api = await began(t);
  await configMap(api, 'params', { color: 'red' });
  const color = 'Object{data: {"color": params.data.color}}';
  const about = [{ name: 'not-params', expression: 'request.name != "params"' }];
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  await mutates(api, 'a-count', {
    reinvocationPolicy: 'IfNeeded',
    matchConditions: about,
    mutations: [
      apply('Object{metadata: Object.metadata{annotations: {"keys": string(size(object.?data.orValue({})))}}}'),
    ],
  });
  await mutates(
    api,
    'b-color',
    { paramKind, matchConditions: about, mutations: [apply(color)] },
    { paramRef: { name: 'params', namespace: 'x', parameterNotFoundAction: 'Deny' } },
  );
  const made = await configMap(api, 'one');
  t.is(made.code, 201, made.text);
  t.deepEqual([made.body.data, made.body.metadata.annotations], [{ color: 'red' }, { keys: '1' }]);
  await api.http('DELETE', `${POLICIES}/mutatingadmissionpolicybindings/b-color`);
  const failing = { matchConditions: about, mutations: [apply('Object{data: {"x": object.data.missing}}')] };
  await mutates(api, 'c-fails', failing);
  const refused = await configMap(api, 'two', { a: 'b' });
  t.is(refused.code, 422);
  t.is(
    refused.body.message,
    `configmaps "two" is forbidden: policy 'c-fails' with binding 'c-fails' denied request: no such key: missing`,
  );
  const ignore = { spec: { failurePolicy: 'Ignore' } };
  await api.http('PATCH', `${POLICIES}/mutatingadmissionpolicies/c-fails`, { body: ignore, headers: MERGE });
  t.is((await configMap(api, 'two', { a: 'b' })).code, 201);
  const atomic = [apply('Object{spec: Object.spec{containers: [Object.spec.containers{name: "c", args: ["x"]}]}}')];
  await mutates(api, 'd-atomic', {
    mutations: atomic,
    matchConstraints: { resourceRules: [{ ...RULES[0], resources: ['pods'] }] },
  });
  t.regex(
    (await pod(api, 'p')).body.message,
    /may not mutate atomic arrays, maps or structs: .spec.containers\[0\].args/,
  );
  const wrong = await mutates(api, 'e', {
    mutations: [{ patchType: 'Other' }, { patchType: 'JSONPatch' }, apply('Object{')],
  });
  t.is(wrong.code, 422);
  t.deepEqual(
    wrong.body.details.causes.map((cause: any) => cause.field),
    ['spec.mutations[0].patchType', 'spec.mutations[1].jsonPatch', 'spec.mutations[2].applyConfiguration.expression'],
  );
});

type Review = { request: any };

/** Answers every review by `respond`; the paths and requests that came are kept. */
async function webhook(
  t: ExecutionContext,
  api: TestApi,
  respond: (review: Review, path: string) => object,
): Promise<{ url: string; asked: any[]; server: Server }> {
  const asked: any[] = [];
  const tls = { cert: readFileSync(join(api.dir, 'server.crt')), key: readFileSync(join(api.dir, 'server.key')) };
  const server = createServer(tls, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const review = JSON.parse(text) as Review;
      // The time that it is waited for comes behind.
      const path = request.url!.split('?')[0]!;
      asked.push({ path, ...review.request });
      const { apiVersion, kind } = review as any;
      const answer = { apiVersion, kind, response: { uid: review.request.uid, ...respond(review, path) } };
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.teardown(() => void server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

function configuration(api: TestApi, kind: string, url: string, more: object = {}): object {
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }];
  const clientConfig = { url, caBundle: Buffer.from(api.caPem).toString('base64') };
  const common = { rules, clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'] };
  return { kind, metadata: { name: kind.toLowerCase() }, webhooks: [{ name: 'hook.example.com', ...common, ...more }] };
}

test('webhooks change, warn, refuse; one that is down fails the write or is passed over', async (t) => {
  const api = await began(t);
  const label = [{ op: 'add', path: '/metadata/labels', value: { seen: 'yes' } }];
  const hook = await webhook(t, api, ({ request }, path) => {
    if (path === '/mutate')
      return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(label)).toString('base64') };
    const isBad = request.object?.data?.bad !== undefined || request.oldObject?.data?.keep !== undefined;
    return isBad ? { allowed: false, status: { message: 'no' } } : { allowed: true, warnings: ['look here'] };
  });
  const mutating = configuration(api, 'MutatingWebhookConfiguration', `${hook.url}/mutate`);
  t.is((await api.http('POST', `${POLICIES}/mutatingwebhookconfigurations`, { body: mutating })).code, 201);
  const validating = configuration(api, 'ValidatingWebhookConfiguration', `${hook.url}/validate`, {
    matchConditions: [{ name: 'not-skipped', expression: '!object.metadata.name.startsWith("skip")' }],
    failurePolicy: 'Fail',
    timeoutSeconds: 2,
  });
  t.is((await api.http('POST', `${POLICIES}/validatingwebhookconfigurations`, { body: validating })).code, 201);

  const made = await configMap(api, 'a');
  t.is(made.code, 201);
  t.deepEqual(made.body.metadata.labels, { seen: 'yes' });
  t.regex(String(made.headers['warning']), /look here/);
  t.deepEqual(
    hook.asked.map(({ path, operation }) => [path, operation]),
    [
      ['/mutate', 'CREATE'],
      ['/validate', 'CREATE'],
    ],
  );
  t.is(hook.asked[1].object.metadata.uid, made.body.metadata.uid, 'what is judged is what is stored');
  const named = await api.http('POST', `${NS}/configmaps`, { body: { metadata: { generateName: 'g-' } } });
  t.is(hook.asked.at(-1).object.metadata.name, named.body.metadata.name);
  const bad = await configMap(api, 'b', { bad: '1' });
  t.deepEqual([bad.code, bad.body.message], [400, 'admission webhook "hook.example.com" denied the request: no']);
  t.is((await configMap(api, 'skip', { bad: '1' })).code, 201);
  t.is((await api.http('POST', `${NS}/configmaps?dryRun=All`, { body: { metadata: { name: 'dry' } } })).code, 201);
  t.true(hook.asked.at(-1).dryRun);

  hook.server.closeAllConnections();
  await new Promise((resolve) => hook.server.close(resolve));
  await api.http('DELETE', `${POLICIES}/mutatingwebhookconfigurations/mutatingwebhookconfiguration`);
  const failed = await configMap(api, 'c');
  t.is(failed.code, 500);
  t.regex(
    failed.body.message,
    /^Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https:.*": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
  );
  const [first] = (validating as any).webhooks;
  const lenient = { webhooks: [{ ...first, failurePolicy: 'Ignore' }] };
  const path = `${POLICIES}/validatingwebhookconfigurations/validatingwebhookconfiguration`;
  await api.http('PATCH', path, { body: lenient, headers: MERGE });
  t.is((await configMap(api, 'c')).code, 201);
});
