// Shows that usage kept pod by pod is what a recount of everything gives, after any history.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { Node, Pod } from '../../../lib/api/generated/types.ts';
import { ClusterState } from './cluster-state.ts';
import { podInfo } from './pod-info.ts';

const node = (name: string): Node => ({
  metadata: { name },
  spec: {},
  status: { allocatable: { cpu: '4', pods: '10' } },
});
const pod = (i: number, nodeName: string, cpu = 100 * (i + 1)): Pod => ({
  metadata: {
    name: `p${i}`,
    uid: `u${i}`,
    ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: `owner-${i % 2}`, controller: true }],
  },
  spec: { nodeName, containers: [{ name: 'c', resources: { requests: { cpu: `${cpu}m` } } }] },
  status: { phase: 'Running' },
});

test('what may help is told: new nodes, more room, other labels; heartbeats are not', (t) => {
  const state = new ClusterState();
  t.true(state.setNode(node('a')));
  t.false(
    state.setNode({ ...node('a'), status: { ...node('a').status, conditions: [{ type: 'Ready', status: 'True' }] } }),
  );
  t.true(state.setNode({ ...node('a'), status: { allocatable: { cpu: '8', pods: '10' } } }));
  t.true(
    state.setNode({ ...node('a'), spec: { unschedulable: true }, status: { allocatable: { cpu: '8', pods: '10' } } }),
  );
  t.false(state.setPod(pod(1, 'a')));
  t.true(state.setPod({ ...pod(1, 'a'), status: { phase: 'Succeeded' } }));
  t.false(state.setPod({ ...pod(1, 'a'), status: { phase: 'Succeeded' } }));
});

test('an assumed pod counts until its binding is seen or has failed, whatever an older view says', (t) => {
  const state = new ClusterState();
  state.setNode(node('a'));
  const used = (): number => state.nodes[0]!.requested['cpu'] ?? 0;
  state.assume(podInfo(pod(1, '')), 'a');
  t.true(state.isAssumed(pod(1, '')));
  state.setPod(pod(1, ''));
  t.is(used(), 200);
  state.setPod(pod(1, 'a'));
  t.is(used(), 200);
  t.false(state.isAssumed(pod(1, '')));
  state.forget('u1');
  t.is(used(), 200, 'a late failure does not unbind what is bound');
  state.assume(podInfo(pod(2, '')), 'a');
  state.forget('u2');
  t.is(used(), 200);
  state.removePod('u1');
  t.is(used(), 0);
});

test('after any history, usage is what a recount gives', (t) => {
  const place = fc.constantFrom('', 'a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ set: fc.nat(5), node: place, done: fc.boolean() }),
    fc.record({ remove: fc.nat(5) }),
    fc.record({ assume: fc.nat(5), node: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ forget: fc.nat(5) }),
    fc.record({ addNode: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ removeNode: fc.constantFrom('a', 'b', 'c') }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const state = new ClusterState();
      const where = new Map<number, { node: string; assumed: boolean }>();
      const nodes = new Set<string>();
      for (const one of steps) {
        if ('set' in one) {
          const isAssumed = where.get(one.set)?.assumed ?? false;
          state.setPod({ ...pod(one.set, one.node), status: { phase: one.done ? 'Failed' : 'Running' } });
          if (one.node === '' && isAssumed) continue;
          if (one.node === '' || one.done) where.delete(one.set);
          else where.set(one.set, { node: one.node, assumed: false });
        } else if ('remove' in one) {
          state.removePod(`u${one.remove}`);
          where.delete(one.remove);
        } else if ('assume' in one) {
          state.assume(podInfo(pod(one.assume, '')), one.node);
          where.set(one.assume, { node: one.node, assumed: true });
        } else if ('forget' in one) {
          state.forget(`u${one.forget}`);
          if (where.get(one.forget)?.assumed === true) where.delete(one.forget);
        } else if ('addNode' in one) {
          state.setNode(node(one.addNode));
          nodes.add(one.addNode);
        } else {
          state.removeNode(one.removeNode);
          nodes.delete(one.removeNode);
        }
      }
      t.deepEqual(state.nodes.map(({ name }) => name).toSorted(), [...nodes].toSorted());
      for (const info of state.nodes) {
        const here = [...where].filter(([, place]) => place.node === info.name).map(([i]) => i);
        t.is(
          info.requested['cpu'] ?? 0,
          here.reduce((sum, i) => sum + 100 * (i + 1), 0),
        );
        t.is(info.pods.size, here.length);
        for (const owner of ['owner-0', 'owner-1'])
          t.is(info.owners.get(owner) ?? 0, here.filter((i) => `owner-${i % 2}` === owner).length);
      }
    }),
    { numRuns: 500 },
  );
});
