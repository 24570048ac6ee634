// Shows what the answers of webhooks make of a write: refusals in upstream's words, rounds, what the audit log is told, and what
// is asked in one go. Webhooks themselves are played: over HTTPS they are in test/conformance.
import test from 'ava';
import { kindFor } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { seededChance } from '../../../../lib/base/chance.ts';
import type { ApiError } from '../../../../lib/base/errors.ts';
import { Rbac } from '../auth/rbac.ts';
import { authenticated } from '../auth/user.ts';
import { ClusterCache } from '../cache/cluster-cache.ts';
import { planCreate } from '../pipeline/create.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { requestInfo, type ResourceRequest } from '../request-info.ts';
import { validateSent } from './index.ts';
import { NeedsAnswer, type WebhookAnswer, type WebhookCall } from './webhooks.ts';

type Answerer = (call: WebhookCall) => WebhookAnswer;
const GROUP = 'admissionregistration.k8s.io';
const ALLOWED: WebhookAnswer = { allowed: true };
const RULES = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }];
const hook = (name: string, more: object = {}): object => ({
  name,
  rules: RULES,
  clientConfig: { url: `https://${name}` },
  ...more,
});
const patch = (...operations: object[]): WebhookAnswer => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

class World {
  readonly told = new Map<string, string>();
  readonly calls: WebhookCall[] = [];
  readonly #cache: ClusterCache;
  readonly #answer: Answerer;

  constructor(hooks: { mutating?: object[]; validating?: object[] }, answer: Answerer) {
    const stored = (stream: string, object: any): any => ({
      key: `/registry/${stream}/${object.metadata.namespace ?? ''}/${object.metadata.name}`,
      value: new TextEncoder().encode(JSON.stringify(object)),
      createRevision: 1,
      modRevision: 1,
    });
    const config = (kind: string, webhooks: object[] = []): any =>
      stored(`${GROUP}/${kind}webhookconfigurations`, { metadata: { name: 'conf' }, webhooks });
    this.#cache = new ClusterCache(
      [
        stored('core/namespaces', { metadata: { name: 'x' } }),
        stored('core/serviceaccounts', { metadata: { name: 'default', namespace: 'x' } }),
        config('mutating', hooks.mutating),
        config('validating', hooks.validating),
      ],
      1,
    );
    this.#answer = answer;
  }

  request(path: string): WriteRequest {
    const info = requestInfo('POST', path, new URLSearchParams()) as ResourceRequest;
    return {
      user: authenticated('me', ['system:masters']),
      info,
      kind: kindFor(info.group, info.version, info.resource)!,
      view: this.#cache,
      rbac: new Rbac({ roles: [], clusterRoles: [], roleBindings: [], clusterRoleBindings: [] }),
      facts: { name: 'c', clusterId: '', domain: 'd', podCidr: '', serviceCidr: '10.96.0.0/16', dnsIp: '10.96.0.10' },
      defaultTolerationSeconds: 300,
      now: 0,
      chance: seededChance(7),
      options: { fieldManager: 'me' },
      annotate: (key, value, atLeast) => this.told.set(`${key} ${atLeast ?? 'Metadata'}`, value),
      ask: (_key, call) => {
        this.calls.push(structuredClone(call));
        return this.#answer(call);
      },
    };
  }

  create(resource: string, body: object): KubeObject {
    const request = this.request(`/api/v1/namespaces/x/${resource}`);
    const object = { apiVersion: 'v1', kind: request.kind.ref.kind, ...body } as KubeObject;
    request.kind.default(object);
    return planCreate(request, object).object;
  }
}

const configMap = { metadata: { name: 'a' } };
const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const validating = (answer: WebhookAnswer, more: object = {}): World =>
  new World({ validating: [hook('v.io', more)] }, () => answer);

test('a refusal has the code and reason that the webhook gave, and no others', (t) => {
  const refusal = (status: object): ApiError =>
    t.throws(() => validating({ allowed: false, status }).create('configmaps', configMap)) as ApiError;
  const told = (error: ApiError): unknown[] => [error.code, error.reason, error.message];
  const denied = 'admission webhook "v.io" denied the request';
  t.deepEqual(told(refusal({})), [400, '', `${denied} without explanation`]);
  t.deepEqual(told(refusal({ code: 200, message: 'no' })), [400, '', `${denied}: no`]);
  t.deepEqual(told(refusal({ code: 403, reason: 'Forbidden' })), [403, 'Forbidden', `${denied}: Forbidden`]);
});

test('who cannot be understood fails the write, or is passed over and that is told', (t) => {
  const broken = (answer: WebhookAnswer, more?: object): World => validating(answer, more);
  const message = (text: string): { message: string } => ({
    message: `Internal error occurred: failed calling webhook "v.io": ${text}`,
  });
  t.throws(() => broken({ failure: 'failed to call webhook: x' }).create('configmaps', configMap), {
    ...message('failed to call webhook: x'),
  });
  t.throws(
    () => broken(patch({ op: 'test', path: '/a' })).create('configmaps', configMap),
    message('received invalid webhook response: validating webhook may not return response.patch'),
  );
  const lenient = broken({ failure: 'x' }, { failurePolicy: 'Ignore' });
  lenient.create('configmaps', configMap);
  t.deepEqual(
    [...lenient.told],
    [['failed-open.validating.webhook.admission.k8s.io/round_0_index_0 Metadata', 'v.io']],
  );
});

test('conditions that cannot be evaluated refuse in upstream words', (t) => {
  const world = validating(ALLOWED, { matchConditions: [{ name: 'n', expression: 'object.none == 1' }] });
  t.throws(() => world.create('configmaps', configMap), {
    message: /^configmaps "a" is forbidden: expression 'object.none == 1' resulted in error: /,
  });
  t.deepEqual(world.calls, []);
});

test('what a webhook puts in is filled in by the cluster, and told to those before it', (t) => {
  const sidecar = { name: 'side', image: 'i', terminationMessagePath: '/x' };
  const world = new World(
    { mutating: [hook('first.io', { reinvocationPolicy: 'IfNeeded' }), hook('second.io')] },
    ({ name }) => (name === 'second.io' ? patch({ op: 'add', path: '/spec/containers/-', value: sidecar }) : ALLOWED),
  );
  const made = world.create('pods', pod);
  t.deepEqual(
    world.calls.map(({ name, request }) => [name, (request as any).object.spec.containers.length]),
    [
      ['first.io', 1],
      ['second.io', 1],
      ['first.io', 2],
    ],
  );
  const mounts = made['spec'].containers.map((one: any) => one.volumeMounts[0].name);
  t.is(mounts[0], mounts[1]);
  t.is(made['spec'].volumes.length, 1);
  const told = (key: string): any => JSON.parse(world.told.get(key)!);
  t.deepEqual(told('mutation.webhook.admission.k8s.io/round_0_index_1 Metadata'), {
    configuration: 'conf',
    webhook: 'second.io',
    mutated: true,
  });
  t.false(told('mutation.webhook.admission.k8s.io/round_1_index_0 Metadata').mutated);
  t.is(told('patch.webhook.admission.k8s.io/round_0_index_1 Request').patch[0].op, 'add');
});

test('those who only judge are asked in one go, with the options of the request', (t) => {
  const world = new World({ validating: [hook('a.io'), hook('b.io')] }, (call) => {
    throw new NeedsAnswer([{ key: call.name, call }]);
  });
  const asked = t.throws(() => world.create('configmaps', configMap), { instanceOf: NeedsAnswer });
  t.deepEqual(
    asked.questions.map(({ key }) => key),
    ['a.io', 'b.io'],
  );
  t.deepEqual(world.calls[0]!.request['options'], {
    kind: 'CreateOptions',
    apiVersion: 'meta.k8s.io/v1',
    fieldManager: 'me',
  });
});

test('a connection is judged by its options', (t) => {
  const world = new World(
    {
      mutating: [hook('m.io')],
      validating: [hook('v.io', { matchConditions: [{ name: 'n', expression: 'object.command[0] == "sh"' }] })],
    },
    ({ name }) => (name === 'v.io' ? { allowed: false, status: { message: 'no shells' } } : ALLOWED),
  );
  const kind = { group: '', version: 'v1', kind: 'PodExecOptions' };
  const connect = (command: string): void =>
    validateSent(world.request('/api/v1/namespaces/x/pods/p/exec'), 'CONNECT', {
      kind,
      object: { kind: 'PodExecOptions', apiVersion: 'v1', command: [command] },
    });
  t.notThrows(() => connect('ls'));
  t.throws(() => connect('sh'), { message: 'admission webhook "v.io" denied the request: no shells' });
  const { operation, name, subResource, kind: told, object } = world.calls.at(-1)!.request as any;
  t.deepEqual([operation, name, subResource, told], ['CONNECT', 'p', 'exec', kind]);
  t.deepEqual(object.command, ['sh']);
});
