// Shows that an event comes to each watcher that looks where it happened, and to no other.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { CommittedTxn } from '../../../../lib/bus/messages.ts';
import { keyOf } from '../storage-key.ts';
import { ClusterCache } from './cluster-cache.ts';
import { WatchHub, type WatchScope } from './watch-hub.ts';

const stream = fc.constantFrom('core/pods', 'core/nodes');
const name = fc.constantFrom('a', 'b');
const node = fc.constantFrom('', 'n1', 'n2');

const namespaces = fc.constantFrom('', 'x', 'y');
const object = fc.record({ stream, namespace: namespaces, name, node });
type Place = typeof object extends fc.Arbitrary<infer T> ? T : never;

/** Nodes have no namespace. */
const placed = ({ stream: of, namespace, ...rest }: Place): Place => ({
  ...rest,
  stream: of,
  namespace: of === 'core/nodes' ? '' : namespace || 'x',
});

const scope: fc.Arbitrary<WatchScope> = fc.record({
  stream,
  namespace: namespaces,
  name: fc.constantFrom('', 'a', 'b'),
  node,
});
/** Of a node, all its pods are watched; of what has no namespace, none is named. */
const asked = ({ stream: of, ...rest }: WatchScope): WatchScope => {
  if (rest.node !== '') return { stream: 'core/pods', namespace: '', name: '', node: rest.node };
  return { ...rest, stream: of, namespace: of === 'core/nodes' ? '' : rest.namespace };
};

function txnOf({ stream: of, namespace, name: called, node: on }: Place, revision: number): CommittedTxn {
  const kind = of === 'core/pods' ? 'Pod' : 'Node';
  const told = { apiVersion: 'v1', kind, metadata: { name: called }, spec: on === '' ? {} : { nodeName: on } };
  const key = keyOf({ stream: of, namespace, name: called });
  const value = new TextEncoder().encode(JSON.stringify(told));
  return {
    revision,
    cause: { span: 's', actor: 'a' },
    changes: [{ type: 'put', key, value, createRevision: 1 }],
  };
}

const concerns = (at: WatchScope, was: string, { stream: of, namespace, name: called, node: on }: Place): boolean =>
  at.stream === of &&
  (at.namespace === '' || at.namespace === namespace) &&
  (at.name === '' || at.name === called) &&
  (at.node === '' || (of === 'core/pods' && (at.node === on || at.node === was)));

test('an event comes to those who look where it happened', (t) => {
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 12 }), fc.array(object, { maxLength: 12 }), (scopes, objects) => {
      const cache = new ClusterCache([], 0);
      const hub = new WatchHub(cache);
      const watched = scopes.map(asked);
      const heard = watched.map(() => [] as number[]);
      const handles = watched.map((at, i) =>
        hub.watch(at, () => true, 0, {
          send: (seen) => (heard[i]!.push(seen.object.revision), true),
          expired: () => t.fail(),
        }),
      );
      const expected = watched.map(() => [] as number[]);
      const nodes = new Map<string, string>();
      objects.map(placed).forEach((place, i) => {
        for (const { event } of cache.apply([txnOf(place, i + 1)])) hub.dispatch(event);
        const key = keyOf(place);
        watched.forEach((at, j) => concerns(at, nodes.get(key) ?? '', place) && expected[j]!.push(i + 1));
        nodes.set(key, place.node);
      });
      t.deepEqual(heard, expected);
      t.is(hub.size, watched.length);
      for (const handle of handles) handle.close();
      t.is(hub.size, 0);
    }),
  );
});
