// Shows how a recorded story reads, and that nothing in it needs colours or a wide terminal.
import test from 'ava';
import type { Span } from '../../../lib/bus/messages.ts';
import { recorded } from './testdata/recorded.ts';
import { streamLine, treeLines } from './text.ts';
import { buildForest, pruned, rootOf, treeOf, type TraceNode } from './tree.ts';

const spans = recorded('deployment-web');

function treeIn(all: readonly Span[]): TraceNode {
  const forest = buildForest(all);
  return pruned(treeOf(forest, rootOf(forest, 'Deployment', 'default', 'web')!));
}

test('a recorded apply as a tree', (t) => {
  t.snapshot(treeLines(treeIn(spans), { width: 140, colours: false }).join('\n'));
});

test('no line is wider than the terminal, however narrow', (t) => {
  for (const width of [40, 80, 200]) {
    const tree = treeLines(treeIn(spans), { width, colours: false }).filter((line) => line.includes('│'));
    t.true(tree.every((line) => [...line].length <= width));
  }
});

test('colours add nothing but colours', (t) => {
  const plain = treeLines(treeIn(spans), { width: 120, colours: false }).join('\n');
  const coloured = treeLines(treeIn(spans), { width: 120, colours: true }).join('\n');
  t.not(coloured, plain);
  // eslint-disable-next-line no-control-regex
  t.is(coloured.replaceAll(/\u001B\[\d+m/g, ''), plain);
});

test('retries, conflicts and what nobody told of are marked', (t) => {
  const [request] = spans.filter(({ verb }) => verb === 'request');
  const [reconcile] = spans.filter(({ verb, kind }) => verb === 'reconcile' && kind === 'Deployment');
  const failed = { ...reconcile!, outcome: 'failed' as const, why: 'the object has been modified', retries: 2 };
  t.regex(streamLine(failed), /✗ controller-manager-1 +\[retry 2\] \[conflict\] reconcile/);
  t.regex(streamLine({ ...reconcile!, conflicts: 3 }), /\[conflict ×3\]/);
  const unheard = treeLines(treeIn(spans.filter((span) => span !== request)), { colours: false });
  t.regex(unheard[0]!, /\? apiserver-\d request Deployment default\/web: changed: its own account was not heard/);
});
