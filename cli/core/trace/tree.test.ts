import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { Span } from '../../../lib/bus/messages.ts';
import { articleChain } from './chain.ts';
import { treeLines } from './text.ts';
import { buildForest, flatten, pruned, rootOf, storyOf, treeOf } from './tree.ts';

let at = 0;
function span(
  id: string,
  more: Partial<Span> & { revisions?: number[]; parent?: string; writes?: Array<[string, string, string, number]> },
): Span {
  const { revisions = [], parent, writes = [], ...rest } = more;
  at += 10;
  return {
    version: 1,
    id,
    actor: 'controller-manager',
    instance: 'controller-manager-1',
    verb: 'reconcile',
    kind: 'Deployment',
    namespace: 'default',
    name: 'web',
    causes: { revisions, ...(parent === undefined ? {} : { span: parent }) },
    startedAt: at,
    queuedMs: 0,
    durationMs: 5,
    outcome: writes.length > 0 ? 'changed' : 'unchanged',
    saw: '',
    did: [],
    wrote: writes.map(([verb, kind, name, revision]) => ({ verb, kind, namespace: 'default', name, revision })),
    ...rest,
  };
}

/** One apply as the actors tell it. */
function story(): Span[] {
  at = 0;
  const request = { actor: 'apiserver' as const, instance: 'apiserver-1', verb: 'request' };
  return [
    span('r1', { ...request, writes: [['create', 'Deployment', 'web', 10]] }),
    span('d1', { revisions: [10], writes: [['create', 'ReplicaSet', 'web-1', 11]] }),
    span('r2', {
      ...request,
      kind: 'ReplicaSet',
      name: 'web-1',
      revisions: [10],
      parent: 'd1',
      writes: [['create', 'ReplicaSet', 'web-1', 11]],
    }),
    span('s1', { kind: 'ReplicaSet', name: 'web-1', revisions: [11], writes: [['create', 'Pod', 'web-1-a', 12]] }),
    span('d2', { revisions: [11], outcome: 'unchanged' }),
    span('b1', {
      actor: 'scheduler',
      instance: 'scheduler-1',
      verb: 'schedule',
      kind: 'Pod',
      name: 'web-1-a',
      revisions: [12],
      outcome: 'changed',
    }),
    span('r3', {
      ...request,
      kind: 'Pod',
      name: 'web-1-a',
      revisions: [12],
      parent: 'b1',
      writes: [['update', 'Pod', 'web-1-a', 13]],
    }),
    span('k1', {
      actor: 'kubelet',
      instance: 'kubelet-node-1',
      verb: 'sync',
      kind: 'Pod',
      name: 'web-1-a',
      revisions: [13],
      did: ['started container web'],
      writes: [['update', 'Pod', 'web-1-a', 14]],
    }),
    span('e1', { kind: 'Service', revisions: [14], writes: [['create', 'EndpointSlice', 'web-x', 15]] }),
    span('p1', {
      actor: 'kube-proxy',
      instance: 'kube-proxy-node-1',
      verb: 'rules',
      kind: 'Node',
      name: 'node-1',
      namespace: '',
      revisions: [15],
      outcome: 'changed',
      saw: 'services default/web',
    }),
  ];
}

test('one apply is one tree, from the request to the rules', (t) => {
  const forest = buildForest(story());
  t.is(forest.roots.length, 1);
  t.snapshot(treeLines(forest.roots[0]!));
});

test("an API actor's request for another span is folded into it, with what only it knows was written", (t) => {
  const forest = buildForest(story());
  t.false(forest.byId.has('r3'));
  t.deepEqual(
    forest.byId.get('b1')!.wrote.map(({ revision }) => revision),
    [13],
  );
  t.deepEqual(
    forest.byId.get('b1')!.children.map(({ span: { id } }) => id),
    ['k1'],
  );
});

test('what changed nothing and led to nothing is left out of the tree, not what led somewhere', (t) => {
  const root = buildForest(story()).roots[0]!;
  const ids = flatten(pruned(root)).map(({ span: { id } }) => id);
  t.false(ids.includes('d2'));
  t.deepEqual(ids, ['r1', 'd1', 's1', 'b1', 'k1', 'e1', 'p1']);
});

test('the newest change by a person is the root that is asked for', (t) => {
  const spans = [
    ...story(),
    span('r9', { actor: 'apiserver', verb: 'request', writes: [['update', 'Deployment', 'web', 30]] }),
  ];
  const forest = buildForest(spans);
  t.is(rootOf(forest, 'Deployment', 'default', 'web')?.span.id, 'r9');
  t.is(rootOf(forest, 'Deployment', 'default', 'other'), undefined);
});

test('the chain of the article is read from the tree', (t) => {
  const forest = buildForest(story());
  const chain = articleChain(forest, forest.roots[0]!, { namespace: 'default', deployment: 'web', service: 'web' });
  t.deepEqual(
    chain.map(({ title }) => title),
    ['apply', 'ReplicaSet', 'Pods', 'bound', 'started', 'endpoints', 'rules'],
  );
  t.deepEqual(
    chain.map(({ atMs }) => atMs),
    [5, 25, 35, 65, 75, 85, 95],
  );
});

const apiDied = (span: Span): boolean => span.id === 'r1' || span.id === 'r3';
const by = (revision: number, writer: string, revisions: number[], kind: string, name: string) => ({
  revision,
  kind,
  namespace: 'default',
  name,
  span: writer,
  actor: writer.split('/')[0]!,
  revisions,
});

test('a request whose API actor died before it told is known by what it caused', (t) => {
  const spans = story()
    .filter((each) => !apiDied(each))
    .map((each) =>
      each.id === 'd1'
        ? { ...each, causes: { revisions: [10], by: [by(10, 'apiserver-1/x/7', [], 'Deployment', 'web')] } }
        : each.id === 'k1'
          ? { ...each, causes: { revisions: [13], by: [by(13, 'b1', [12], 'Pod', 'web-1-a')] } }
          : each,
    );
  const forest = buildForest(spans);
  t.deepEqual(
    forest.roots.map(({ span: { id }, isLost }) => [id, isLost]),
    [['apiserver-1/x/7', true]],
  );
  t.is(rootOf(forest, 'Deployment', 'default', 'web')?.span.id, 'apiserver-1/x/7');
  t.deepEqual(
    forest.byId.get('b1')!.children.map(({ span: { id } }) => id),
    ['k1'],
    'the scheduler, which never heard that its binding was stored, wrote it all the same',
  );
});

test('a doer that died before it told is bridged: what woke it is in the cause of what it wrote', (t) => {
  const spans = story()
    .filter(({ id }) => id !== 'b1' && id !== 'r3')
    .map((each) =>
      each.id === 'k1'
        ? { ...each, causes: { revisions: [13], by: [by(13, 'scheduler-1/x/1', [12], 'Pod', 'web-1-a')] } }
        : each,
    );
  const forest = buildForest(spans);
  t.deepEqual(
    forest.roots.map(({ span: { id } }) => id),
    ['r1'],
  );
  t.is(forest.byId.get('scheduler-1/x/1')?.span.actor, 'scheduler');
});

test('what two stories led to is in the tree of each', (t) => {
  const service = span('r20', {
    actor: 'apiserver',
    verb: 'request',
    kind: 'Service',
    startedAt: 1,
    writes: [['create', 'Service', 'web', 9]],
  });
  const spans = story().map((each) =>
    each.id === 'e1' || each.id === 'p1' ? { ...each, causes: { revisions: [9, ...each.causes.revisions] } } : each,
  );
  const forest = buildForest([...spans, service]);
  const ids = (root: string): string[] => flatten(treeOf(forest, forest.byId.get(root)!)).map(({ span: { id } }) => id);
  t.true(ids('r1').includes('e1'));
  t.deepEqual(ids('r20'), ['r20', 'e1', 'p1']);
});

test('an object that nobody asked for by name is found in the story that made it', (t) => {
  const forest = buildForest(story());
  const found = storyOf(forest, 'Pod', 'default', 'web-1-a');
  t.deepEqual([found?.root.span.id, found?.isOwn], ['r1', false]);
  t.is(storyOf(forest, 'Pod', 'default', 'other'), undefined);
});

test('whatever spans arrive, in whatever order, twice or not: each is in the forest once, and nothing hangs in a ring', (t) => {
  const small = fc.integer({ min: 1, max: 12 });
  const drawn = fc.array(
    fc.record({
      id: small,
      parent: fc.option(small),
      revisions: fc.array(small, { maxLength: 3 }),
      by: fc.array(fc.tuple(small, fc.integer({ min: 1, max: 20 })), { maxLength: 3 }),
      writes: fc.array(small, { maxLength: 2 }),
      request: fc.boolean(),
    }),
    { maxLength: 15 },
  );
  fc.assert(
    fc.property(drawn, (rows) => {
      const spans = rows.map((row) => {
        const one = span(`s${row.id}`, {
          verb: row.request ? 'request' : 'reconcile',
          revisions: row.revisions,
          ...(row.parent === null ? {} : { parent: `s${row.parent}` }),
          writes: row.writes.map((revision) => ['update', 'Pod', 'x', revision]),
        });
        const woken = row.by.map(([revision, writer]) => by(revision, `s${writer}`, row.revisions, 'Pod', 'x'));
        return { ...one, causes: { ...one.causes, by: woken } };
      });
      const forest = buildForest(spans);
      const seen = forest.roots.flatMap(flatten);
      const trees = forest.roots.map((root) => flatten(treeOf(forest, root)));
      return (
        seen.length === forest.byId.size &&
        new Set(seen).size === seen.length &&
        trees.every((tree) => new Set(tree.map((node) => node.span.id)).size === tree.length)
      );
    }),
  );
  t.pass();
});
