// Shows the order in which pods are given up, rule by rule.
import test from 'ava';
import type { Pod } from '../../../lib/api/generated/types.ts';
import { victims } from './victims.ts';

interface Traits {
  node?: string;
  phase?: string;
  ready?: string;
  cost?: string;
  restarts?: number;
  created?: string;
}

const T0 = '2026-01-01T00:00:00Z';
const T1 = '2026-01-01T01:00:00Z';

function pod(
  name: string,
  { node = 'n1', phase = 'Running', ready = T0, cost, restarts = 0, created = T0 }: Traits,
): Pod {
  return {
    metadata: {
      name,
      creationTimestamp: created,
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready === '' ? 'False' : 'True', lastTransitionTime: ready || T0 }],
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }],
    },
  };
}

/** Each line: the first goes before the second. */
const ORDER: Array<[string, Traits, Traits]> = [
  ['without a node', { node: '' }, { phase: 'Pending', ready: '' }],
  ['Pending', { phase: 'Pending' }, { phase: 'Unknown', ready: '' }],
  ['Unknown', { phase: 'Unknown' }, { ready: '' }],
  ['not ready', { ready: '', cost: '100' }, { cost: '-100' }],
  ['cheaper', { cost: '-1' }, { ready: T1 }],
  ['ready for less long', { ready: T1 }, { ready: T0, restarts: 5 }],
  ['restarted more often', { restarts: 2, created: T0 }, { restarts: 1, created: T1 }],
  ['younger', { created: T1 }, { created: T0 }],
];

for (const [rule, goes, stays] of ORDER)
  test(`${rule} goes first`, (t) => {
    const pods = [pod('a', stays), pod('b', goes)];
    t.deepEqual(
      victims(pods, [], 1).map(({ metadata }) => metadata.name),
      ['b'],
    );
    t.deepEqual(
      victims(pods.toReversed(), [], 2).map(({ metadata }) => metadata.name),
      ['b', 'a'],
    );
  });

test('of a node with two of the Deployment, one goes before the only one of another', (t) => {
  const pods = [pod('alone', { node: 'n1', ready: T1 }), pod('pair', { node: 'n2', ready: T0 })];
  const elsewhere = pod('old-pair', { node: 'n2' });
  t.deepEqual(
    victims(pods, [...pods, elsewhere], 1).map(({ metadata }) => metadata.name),
    ['pair'],
  );
});

test('nonsense in the cost annotation counts as zero', (t) => {
  const pods = [pod('a', { cost: '1e9' }), pod('b', { cost: '-1' }), pod('c', { cost: '01' })];
  t.is(victims(pods, [], 1)[0]?.metadata.name, 'b');
});
