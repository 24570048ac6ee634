// Shows what of a filter is asked of the bus and what of each span.
import test from 'ava';
import table from '../../../lib/api/generated/kubernetes-types.json' with { type: 'json' };
import { kindOf, passes, subjectOfFilter } from './filter.ts';
import { recorded } from './testdata/recorded.ts';

test('all that a subject can say is asked of the bus', (t) => {
  const filter = { actor: 'kubelet-node-2', kind: 'Pod', namespace: 'default', name: 'web', unchanged: false };
  t.deepEqual(subjectOfFilter(filter), { actor: 'kubelet', kind: 'Pod', namespace: 'default', name: 'web' });
  t.deepEqual(subjectOfFilter({ actor: 'kube-proxy-node-1', unchanged: true }), { actor: 'kube-proxy' });
  t.deepEqual(subjectOfFilter({ unchanged: true }), {});
  t.throws(() => subjectOfFilter({ actor: 'kublet', unchanged: true }), {
    message: /--actor kublet: there is no such/,
  });
});

test('an instance is told from its actor by the span itself', (t) => {
  const spans = recorded('deployment-web');
  const of = (actor: string): Set<string> =>
    new Set(spans.filter((span) => passes({ actor, unchanged: true }, span)).map(({ instance }) => instance));
  t.deepEqual([...of('kubelet')].sort(), ['kubelet-node-1', 'kubelet-node-2', 'kubelet-node-3']);
  t.deepEqual([...of('kubelet-node-1')], ['kubelet-node-1']);
  t.true(spans.filter((span) => passes({ unchanged: false }, span)).every(({ outcome }) => outcome !== 'unchanged'));
});

test('kinds are named as kubectl takes them; what is no kind is left as it is', (t) => {
  t.deepEqual(
    ['po', 'pods', 'pod', 'Pod', 'deploy', 'Store'].map((word) => kindOf(word, table.kinds)),
    ['Pod', 'Pod', 'Pod', 'Pod', 'Deployment', 'Store'],
  );
});
