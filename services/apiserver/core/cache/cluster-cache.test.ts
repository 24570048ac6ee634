// Shows that the cache is the store's state at each revision: now, in the past that it remembers, and in its indexes; and
// that every watcher hears everything once, in order, however slow it is.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { CommittedTxn } from '../../../../lib/bus/messages.ts';
import { keyOf } from '../storage-key.ts';
import type { SeenEvent } from './cache-event.ts';
import { ClusterCache } from './cluster-cache.ts';
import { WatchHub, type WatchHandle } from './watch-hub.ts';

const STREAM = 'core/pods';
const CAUSE = { span: 's', actor: 'a' };
const NODES = ['n1', 'n2'];

const change = fc.record({
  namespace: fc.constantFrom('x', 'y'),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  app: fc.constantFrom('web', 'db'),
  node: fc.constantFrom('', ...NODES),
  isDelete: fc.boolean(),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** A delete of what is not there is no change: the store would not write it. */
function txns(changes: readonly Change[]): CommittedTxn[] {
  const alive = new Set<string>();
  const out: CommittedTxn[] = [];
  for (const { namespace, name, app, node, isDelete } of changes) {
    const key = keyOf({ stream: STREAM, namespace, name });
    if (isDelete && !alive.delete(key)) continue;
    if (!isDelete) alive.add(key);
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app } },
      spec: node === '' ? {} : { nodeName: node },
    };
    const value = isDelete ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(object));
    out.push({
      revision: out.length + 1,
      cause: CAUSE,
      changes: [{ type: isDelete ? 'delete' : 'put', key, value, createRevision: 1 }],
    });
  }
  return out;
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);
const states = (cache: ClusterCache): string[] =>
  [...cache.list(STREAM)].map(({ key, revision }) => `${key}@${revision}`);

test('every remembered revision reads as it was, and the indexes say what a scan says', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120 }), fc.integer({ min: 5, max: 200 }), (changes, capacity) => {
      const cache = new ClusterCache([], 0, capacity);
      const past = new Map<number, string[]>([[0, []]]);
      for (const txn of txns(changes)) {
        cache.apply([txn]);
        cache.apply([txn]);
        past.set(txn.revision, states(cache));
      }
      const resource = cache.resource(STREAM);
      for (const [revision, then] of past) {
        const state = resource.at(revision);
        if (revision < resource.floor) t.is(state, undefined);
        else
          t.deepEqual(
            [...state!.range()].map(([key, item]) => `${key}@${item.revision}`),
            then,
          );
      }
      t.true(resource.eventCount <= capacity);
      for (const node of NODES) {
        const scanned = [...cache.list(STREAM)].filter(({ object }) => object['spec'].nodeName === node);
        t.deepEqual(resource.indexed([`node=${node}`]), scanned);
        const both = scanned.filter(({ object }) => object.metadata.labels?.['app'] === 'web');
        t.deepEqual(resource.indexed([`node=${node}`, 'label=app=web']), both);
      }
    }),
    { numRuns: 200 },
  );
});

test('the revision before each event is that of the one before it', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const events = new ClusterCache([], 0).apply(txns(changes)).map(({ event }) => event);
      events.forEach((event, i) => t.is(event.previous, i === 0 ? 0 : events[i - 1]!.revision));
    }),
    { numRuns: 100 },
  );
});

/** A watcher that takes a few events, is full for a while, then goes on; and the objects as it knows them. */
class Reader {
  readonly known = new Map<string, KubeObject>();
  readonly revisions: number[] = [];
  readonly handle: WatchHandle;
  #room: number;
  readonly #size: number;
  isExpired = false;

  constructor(hub: WatchHub, app: string, size: number) {
    this.#size = size;
    this.#room = size;
    const scope = { stream: STREAM, namespace: '', name: '', node: '' };
    this.handle = hub.watch(scope, (object) => object.metadata.labels?.['app'] === app, 0, {
      send: (seen) => this.#take(seen),
      expired: () => (this.isExpired = true),
    });
  }

  drain(): void {
    this.#room = this.#size;
    if (this.handle.parked) this.handle.resume();
  }

  #take({ type, object }: SeenEvent): boolean {
    this.revisions.push(object.revision);
    const isKnown = this.known.has(object.key);
    if (type === 'ADDED' ? isKnown : !isKnown)
      throw new Error(`${type} of ${object.key}, which is ${isKnown ? 'known' : 'unknown'}`);
    if (type === 'DELETED') this.known.delete(object.key);
    else this.known.set(object.key, object.object);
    return --this.#room > 0;
  }
}

test('however slow a watcher reads, it knows in the end what is there, and heard it in order', (t) => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 150 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 9 }),
      (changes, size, pace) => {
        const cache = new ClusterCache([], 0, 10_000);
        const hub = new WatchHub(cache);
        const reader = new Reader(hub, 'web', size);
        for (const [i, txn] of txns(changes).entries()) {
          for (const { event } of cache.apply([txn])) hub.dispatch(event);
          if (i % pace === 0) reader.drain();
        }
        for (let i = 0; i < 200; i++) reader.drain();
        const there = [...cache.list(STREAM)].filter(({ object }) => object.metadata.labels?.['app'] === 'web');
        const known = [...reader.known].map(([key, object]) => `${key}@${object.metadata.resourceVersion}`);
        t.deepEqual(known.toSorted(byText), there.map((item) => `${item.key}@${item.revision}`).toSorted(byText));
        t.deepEqual(
          reader.revisions,
          reader.revisions.toSorted((a, b) => a - b),
        );
        t.is(new Set(reader.revisions).size, reader.revisions.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('a parked watcher whose history is gone is told so, and is no longer registered', (t) => {
  const cache = new ClusterCache([], 0, 4);
  const hub = new WatchHub(cache);
  const reader = new Reader(hub, 'web', 1);
  const many = Array.from({ length: 30 }, (_, i): Change => ({
    namespace: 'x',
    name: (['a', 'b', 'c', 'd'] as const)[i % 4]!,
    app: 'web',
    node: '',
    isDelete: false,
  }));
  for (const txn of txns(many)) for (const { event } of cache.apply([txn])) hub.dispatch(event);
  t.false(reader.isExpired);
  reader.drain();
  t.true(reader.isExpired);
  t.is(hub.size, 0);
});

test('a watcher is found by where it looks', (t) => {
  const cache = new ClusterCache([], 0);
  const hub = new WatchHub(cache);
  const heard: string[] = [];
  const look = (what: string, scope: Partial<{ namespace: string; name: string; node: string }>): void => {
    hub.watch({ stream: STREAM, namespace: '', name: '', node: '', ...scope }, () => true, 0, {
      send: ({ type }) => heard.push(`${what} ${type}`) > 0,
      expired: () => {},
    });
  };
  look('all', {});
  look('x', { namespace: 'x' });
  look('y', { namespace: 'y' });
  look('x/a', { namespace: 'x', name: 'a' });
  look('n1', { node: 'n1' });
  look('y on n1', { namespace: 'y', node: 'n1' });
  const on = (node: string, isDelete = false): Change => ({ namespace: 'x', name: 'a', app: 'web', node, isDelete });
  for (const txn of txns([on(''), on('n1'), on('n1', true)]))
    for (const { event } of cache.apply([txn])) hub.dispatch(event);
  t.deepEqual(heard.toSorted(), [
    'all ADDED',
    'all DELETED',
    'all MODIFIED',
    'n1 DELETED',
    'n1 MODIFIED',
    'x ADDED',
    'x DELETED',
    'x MODIFIED',
    'x/a ADDED',
    'x/a DELETED',
    'x/a MODIFIED',
  ]);
});
