// Shows how revisions count on. Never asks what a rollout does.
import test from 'ava';
import type { ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { annotationsFor, nextRevision, REVISION, revisionOf } from './revision.ts';

const setAt = (revision: string): ReplicaSet =>
  ({ metadata: { name: 'web', annotations: { [REVISION]: revision } } }) as unknown as ReplicaSet;

test('the next revision is one more than the greatest, to the last digit', (t) => {
  t.is(nextRevision([]), 1n);
  t.is(nextRevision([setAt('9'), setAt('10'), setAt('none')]), 11n);
  t.is(nextRevision([setAt('3546343826724305832')]), 3546343826724305833n);
  t.is(revisionOf(setAt('9223372036854775808')), 0n, 'no 64 bits hold it');
});

test('a revision never goes back, and leaves its predecessor in the history', (t) => {
  const deployment = { metadata: { name: 'web', annotations: { note: 'x' } } } as never;
  t.deepEqual(annotationsFor(deployment, { [REVISION]: '5' }, 4n), { [REVISION]: '5', note: 'x' });
  t.deepEqual(annotationsFor(deployment, { [REVISION]: '5' }, 7n), {
    [REVISION]: '7',
    'deployment.kubernetes.io/revision-history': '5',
    note: 'x',
  });
});
