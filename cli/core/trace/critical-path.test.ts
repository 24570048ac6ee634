// Shows what readiness waited for, with spans that were recorded from a real cluster.
import test from 'ava';
import type { Span } from '../../../lib/bus/messages.ts';
import { criticalPath } from './critical-path.ts';
import { recorded } from './testdata/recorded.ts';
import { buildForest, flatten, rootOf, treeOf, type TraceNode } from './tree.ts';

function treeIn(spans: readonly Span[]): TraceNode {
  const forest = buildForest(spans);
  return treeOf(forest, rootOf(forest, 'Deployment', 'default', 'web')!);
}

const spans = recorded('deployment-web');

test('the path goes from the request over who had to act to the last pod that became ready', (t) => {
  const path = criticalPath(treeIn(spans));
  t.deepEqual(
    path.steps.map(({ node: { span } }) => `${span.actor} ${span.verb} ${span.kind}`),
    [
      'apiserver request Deployment',
      'controller-manager reconcile Deployment',
      'controller-manager reconcile ReplicaSet',
      'scheduler schedule Pod',
      'kubelet sync Pod',
    ],
  );
  t.is(path.end, 'ready');
  t.is(path.ready.length, 3);
  t.deepEqual(path.waiting, []);
});

test('waits and works of the steps follow each other without a gap, and sum up to the total', (t) => {
  const { steps, totalMs } = criticalPath(treeIn(spans));
  let at = 0;
  for (const step of steps) {
    t.is(step.fromMs, at);
    t.true(step.fromMs <= step.startMs && step.startMs <= step.toMs);
    at = step.toMs;
  }
  t.is(at, totalMs);
});

test('the last pod decides, and only its first readiness', (t) => {
  const syncs = spans.filter(({ verb, did }) => verb === 'sync' && did.includes('ready'));
  const slow = syncs[0]!;
  const later = { ...slow, id: 'kubelet-node-1/x/99', startedAt: slow.startedAt + 60_000, wrote: [] };
  const delayed = spans.map((span) => (span === slow ? { ...slow, durationMs: slow.durationMs + 5000 } : span));
  t.is(criticalPath(treeIn(delayed)).steps.at(-1)!.node.span.name, slow.name);
  t.is(criticalPath(treeIn([...spans, later])).totalMs, criticalPath(treeIn(spans)).totalMs);
});

test('pods that are not ready are named, and the path ends with those that are', (t) => {
  const [first] = spans.filter(({ verb, did }) => verb === 'sync' && did.includes('ready'));
  const path = criticalPath(treeIn(spans.filter((span) => span !== first)));
  t.deepEqual(path.waiting, [first!.name]);
  t.is(path.ready.length, 2);
});

test('where nothing becomes ready the last change is the end', (t) => {
  const withoutNodes = spans.filter(({ actor, name }) => actor !== 'kubelet' && !name.startsWith('system:'));
  const path = criticalPath(treeIn(withoutNodes));
  t.is(path.end, 'done');
  t.is(path.waiting.length, 3);
});

test('clocks that differ make no step last less than nothing', (t) => {
  const early = spans.map((span) =>
    span.actor === 'kubelet' ? { ...span, startedAt: span.startedAt - 10_000 } : span,
  );
  const { steps } = criticalPath(treeIn(early));
  t.true(steps.every((step) => step.fromMs <= step.startMs && step.startMs <= step.toMs));
  t.true(flatten(treeIn(early)).length > 10);
});
