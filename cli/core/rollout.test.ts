import test from 'ava';
import { rolloutProgress, templateOf, undoTarget, type DeploymentLike, type ReplicaSetLike } from './rollout.ts';

const deployment = (status: DeploymentLike['status'], generation = 2): DeploymentLike => ({
  metadata: { name: 'web', generation, uid: 'u1' },
  spec: { replicas: 3, selector: {}, template: {} },
  ...(status === undefined ? {} : { status }),
});

for (const [status, text] of [
  [{ observedGeneration: 1 }, 'Waiting for deployment spec update to be observed...'],
  [
    { observedGeneration: 2, updatedReplicas: 1, replicas: 3 },
    'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
  ],
  [
    { observedGeneration: 2, updatedReplicas: 3, replicas: 4 },
    'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
  ],
  [
    { observedGeneration: 2, updatedReplicas: 3, replicas: 3, availableReplicas: 2 },
    'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
  ],
  [
    { observedGeneration: 2, updatedReplicas: 3, replicas: 3, availableReplicas: 3 },
    'deployment "web" successfully rolled out',
  ],
] as const)
  test(text, (t) => {
    const progress = rolloutProgress(deployment(status));
    t.is(progress.text, text);
    t.is(progress.done, text.endsWith('rolled out'));
  });

test('a rollout that passed its deadline has failed', (t) => {
  const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  t.like(rolloutProgress(deployment({ observedGeneration: 2, conditions })), { failed: true, done: true });
});

const set = (revision: number, owner = 'u1'): ReplicaSetLike => ({
  metadata: {
    name: `web-${revision}`,
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    ownerReferences: [{ uid: owner, controller: true }],
  },
  spec: { template: { metadata: { labels: { app: 'web', 'pod-template-hash': 'x' } }, spec: {} } },
});

test('undo goes to the revision before, or to the one asked for, of this Deployment only', (t) => {
  const sets = [set(3), set(1), set(2), set(9, 'somebody else')];
  t.is(undoTarget(deployment(undefined), sets, 0).metadata.name, 'web-2');
  t.is(undoTarget(deployment(undefined), sets, 1).metadata.name, 'web-1');
  t.regex(t.throws(() => undoTarget(deployment(undefined), sets, 9)).message, /unable to find specified revision 9/);
  t.regex(t.throws(() => undoTarget(deployment(undefined), [set(1)], 0)).message, /no rollout history/);
  t.deepEqual(templateOf(set(1)), { metadata: { labels: { app: 'web' } }, spec: {} });
});
