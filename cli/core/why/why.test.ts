// Shows that each way of being stuck is called by its name, with who is to blame and what helps, from facts that were
// recorded on a real cluster; and that what is not stuck is left alone.
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { ContainerStatus, Pod } from '../../../lib/api/generated/types.ts';
import { STUCK_CASES } from '../../../test/trace/stuck-cases.ts';
import type { AnyObject, Facts } from './facts.ts';
import { answerLines } from './text.ts';
import { why } from './why.ts';

function recorded(name: string): Facts {
  return JSON.parse(readFileSync(new URL(`testdata/${name}.json`, import.meta.url), 'utf8')) as Facts;
}

for (const { name, code, tells } of STUCK_CASES)
  test(`${name} is ${code}`, (t) => {
    t.true(existsSync(new URL(`testdata/${name}.json`, import.meta.url)), 'recorded by test/trace/record-stuck.ts');
    const answer = why(recorded(name));
    t.is(answer.code, code, JSON.stringify(answer));
    const text = answerLines(answer).join('\n');
    for (const told of tells) t.true(text.includes(told), `${JSON.stringify(told)} is not in:\n${text}`);
    const isWell = ['ready', 'deleted'].includes(code);
    t.is(answer.isStuck, !isWell);
    t.is(answer.help.length > 0, !isWell, 'what is stuck can be helped');
  });

test('at least twenty ways of being stuck are told apart', (t) => {
  t.true(new Set(STUCK_CASES.map(({ code }) => code)).size >= 20);
});

// ---- what a hollow cluster cannot make: recorded facts, with the one thing changed --------------------------------------

function withPod(facts: Facts, change: (pod: Pod) => Pod): Facts {
  const pods = facts.pods.map(change);
  const object =
    facts.object?.kind === 'Pod'
      ? ({ ...change(facts.object as unknown as Pod), kind: 'Pod' } as unknown as AnyObject)
      : facts.object;
  return { ...facts, pods, object };
}

function withStatus(facts: Facts, change: Partial<ContainerStatus>): Facts {
  return withPod(facts, (pod) => ({
    ...pod,
    status: {
      ...pod.status,
      containerStatuses: (pod.status?.containerStatuses ?? []).map((status) => ({ ...status, ...change })),
    },
  }));
}

function silent(facts: Facts, ...instances: string[]): Facts {
  const actors = facts.actors.map((one) =>
    instances.includes(one.instance) ? { ...one, answers: false, state: 'stopped' } : one,
  );
  return { ...facts, actors };
}

/** Texts of containerd 1.6, and of docker.io and ghcr.io behind it. */
const PULLS: Record<string, string> = {
  'image-auth':
    'failed to pull and unpack image "ghcr.io/a/b:1": failed to resolve reference "ghcr.io/a/b:1": failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized',
  'image-registry':
    'failed to do request: Head "https://registry.local/v2/a/manifests/1": dial tcp: lookup registry.local: no such host',
  'image-not-found': 'failed to resolve reference "docker.io/library/a:nope": docker.io/library/a:nope: not found',
};

for (const [code, message] of Object.entries(PULLS))
  test(`a pull that fails by ${code}`, (t) => {
    const facts = recorded('no-image');
    const said = withStatus({ ...facts, events: [] }, { state: { waiting: { reason: 'ImagePullBackOff', message } } });
    t.is(why(said).code, code);
  });

test('an image whose name holds the words of a failure is not mistaken for it', (t) => {
  const image = 'registry.local/not-found/denied-timeout:401';
  const facts = withPod({ ...recorded('no-image'), events: [] }, (pod) => ({
    ...pod,
    spec: { ...pod.spec, containers: pod.spec.containers.map((one) => ({ ...one, image })) },
  }));
  const message = `failed to pull image "${image}": dial tcp 10.0.0.1:443: connection refused`;
  t.is(why(withStatus(facts, { state: { waiting: { reason: 'ErrImagePull', message } } })).code, 'image-registry');
});

test('a pod without a node waits for the scheduler, if there is none', (t) => {
  const facts = recorded('too-large');
  t.is(why(facts).code, 'unschedulable');
  const answer = why(silent(facts, 'scheduler-1'));
  t.is(answer.code, 'scheduler-down');
  t.true(answer.help[0]!.includes('flotilla start scheduler-1'));
});

test('a Deployment that nobody has looked at waits for the controller-manager, if there is none', (t) => {
  const facts = recorded('is-ready');
  const object = { ...facts.object!, metadata: { ...facts.object!.metadata, generation: 2 } };
  t.is(why(silent({ ...facts, object }, 'controller-manager-1')).code, 'controller-manager-down');
  t.is(why(silent(facts, 'controller-manager-1')).code, 'ready', 'what is as it should be waits for nobody');
});

test('a bound pod waits for the kubelet of its node; a ready one on a live node does not', (t) => {
  const facts = recorded('not-ready');
  const node = facts.pods[0]!.spec.nodeName!;
  t.is(why(silent(facts, `kubelet-${node}`)).code, 'kubelet-down');
});

test('a node that is not ready holds its pods', (t) => {
  const facts = recorded('not-ready');
  const nodes = facts.nodes.map((node) => ({
    ...node,
    status: {
      ...node.status,
      conditions: [
        {
          type: 'Ready',
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
        },
      ],
    },
  }));
  const answer = why({ ...facts, nodes });
  t.is(answer.code, 'node-lost');
  t.true(answer.because[0]!.includes('NodeStatusUnknown'));
});

test('without a majority of the stores nothing else matters', (t) => {
  const facts = { ...recorded('crashes'), noQuorum: '1 of 3 stores answer, and none of them leads' };
  const answer = why(facts);
  t.is(answer.code, 'no-quorum');
  t.true(answer.because.some((line) => line.includes('exit code 7')));
  t.is(why({ ...recorded('is-ready'), noQuorum: 'x' }).code, 'ready', 'what runs, runs on');
});

test('a ready Service whose endpoints nobody writes waits for the controller-manager', (t) => {
  const facts = { ...recorded('is-served'), endpointSlices: [] };
  t.is(why(silent(facts, 'controller-manager-1')).code, 'controller-manager-down');
  t.is(why(facts).code, 'no-endpoints');
  t.is(why(silent(recorded('is-served'), 'kube-proxy-node-1')).code, 'kube-proxy-down');
});

/** As the API says it to a ReplicaSet. */
const REFUSED: Record<string, string> = {
  quota: 'pods "x-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2',
  'limit-range': 'pods "x-1" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  'missing-priority-class': 'pods "x-1" is forbidden: no PriorityClass with name vip was found',
  'pod-security': 'pods "x-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
  webhook: 'admission webhook "check.example.com" denied the request: no',
};

for (const [code, message] of Object.entries(REFUSED))
  test(`pods that may not be made by ${code}`, (t) => {
    const facts = recorded('no-account');
    const quota = {
      kind: 'ResourceQuota',
      apiVersion: 'v1',
      metadata: { name: 'small' },
      status: { hard: { pods: '2' }, used: { pods: '2' } },
    };
    const replicaSets = facts.replicaSets.map((set) => ({
      ...set,
      status: {
        replicas: 0,
        ...set.status,
        conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }],
      },
    }));
    const answer = why({ ...facts, replicaSets, quotas: [quota] });
    t.is(answer.code, code);
    if (code === 'quota') t.true(answer.because.includes('resourcequota/small: pods 2 of 2'));
  });

test('a Job that has failed for good, and one that is suspended', (t) => {
  const base = recorded('failed');
  const job = (spec: object, conditions: object[]): AnyObject => ({
    kind: 'Job',
    apiVersion: 'batch/v1',
    metadata: { name: 'x', namespace: 'w-failed', uid: 'u', generation: 1 },
    spec: { completions: 1, parallelism: 1, ...spec },
    status: { conditions },
  });
  const ask = (object: AnyObject): string => why({ ...base, target: { ...base.target, kind: 'Job' }, object }).code;
  const failed = (reason: string): object => ({ type: 'Failed', status: 'True', reason, message: 'Job has failed' });
  t.is(ask(job({}, [failed('BackoffLimitExceeded')])), 'backoff-limit');
  t.is(ask(job({}, [failed('DeadlineExceeded')])), 'deadline');
  t.is(ask(job({ suspend: true }, [])), 'suspended');
  t.is(ask(job({}, [{ type: 'Complete', status: 'True' }])), 'completed');
});

test('a node tells of itself', (t) => {
  const facts = recorded('is-ready');
  const node = facts.nodes[0]!;
  const of = (change: object): Facts => ({
    ...facts,
    target: { kind: 'Node', namespace: '', name: node.metadata.name },
    object: { ...node, kind: 'Node', apiVersion: 'v1', ...change } as unknown as AnyObject,
  });
  t.is(why(of({})).code, 'ready');
  t.is(why(of({ spec: { unschedulable: true } })).code, 'cordoned');
  t.is(why(silent(of({}), `kubelet-${node.metadata.name}`)).code, 'kubelet-down');
  t.is(why(of({ status: { conditions: [] } })).code, 'node-lost');
});

test('a claim that a pod still uses waits for it', (t) => {
  const facts = recorded('no-volume');
  const metadata = {
    ...facts.object!.metadata,
    deletionTimestamp: new Date(facts.now).toISOString(),
    finalizers: ['kubernetes.io/pvc-protection'],
  };
  const user = { ...recorded('not-ready').pods[0]!, metadata: { name: 'user', namespace: 'w-no-volume' } };
  const pods = [
    { ...user, spec: { ...user.spec, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } },
  ];
  const answer = why({ ...facts, pods, object: { ...facts.object!, metadata } });
  t.is(answer.code, 'finalizer');
  t.true(answer.help[0]!.includes('delete pod user'));
});

test('an object that is gone is told from the trace: deleted, or never made', (t) => {
  const facts = recorded('not-there');
  const span = {
    version: 1,
    id: 'apiserver-1/x/1',
    actor: 'apiserver',
    instance: 'apiserver-1',
    verb: 'request',
    kind: 'Pod',
    namespace: facts.target.namespace,
    name: 'y',
    causes: { revisions: [] },
    startedAt: facts.now,
    queuedMs: 0,
    durationMs: 1,
    saw: 'kubernetes-admin asks to create pods',
    did: [],
    wrote: [],
  };
  const refused = why({ ...facts, spans: [{ ...span, outcome: 'refused', why: 'spec.containers: Required value' }] });
  t.is(refused.code, 'request-refused');
  t.true(refused.because[0]!.includes('Required value'));
  const write = { verb: 'delete', kind: 'Pod', namespace: facts.target.namespace, name: 'y', revision: 1 };
  t.is(why({ ...facts, spans: [{ ...span, outcome: 'changed', wrote: [write] }] }).code, 'deleted');
  const elsewhere = { ...write, namespace: 'other' };
  t.is(why({ ...facts, spans: [{ ...span, outcome: 'changed', wrote: [elsewhere] }] }).code, 'not-found');
});

test('whatever facts are missing, there is an answer, and what is stuck can be helped', (t) => {
  const all = STUCK_CASES.map(({ name }) => recorded(name));
  const lists = Object.keys(all[0]!).filter((key) => Array.isArray(all[0]![key as keyof Facts]));
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.subarray(lists), fc.boolean(), (facts, emptied, noStatus) => {
      const less = { ...facts, ...Object.fromEntries(emptied.map((key) => [key, []])) } as Facts;
      const { status: _, ...bare } = facts.object ?? ({} as AnyObject);
      const answer = why(noStatus && facts.object !== undefined ? { ...less, object: bare as AnyObject } : less);
      return answer.what !== '' && answer.way.length > 0 && (!answer.isStuck || answer.help.length > 0);
    }),
  );
  t.pass();
});
