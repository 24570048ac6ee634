// Shows which pods count as disturbed, and which do not.
import test from 'ava';
import { PodsSeen, type PodSeen } from './pods-seen.ts';

const pod = (name: string, more: Partial<PodSeen> = {}): PodSeen => ({
  uid: `uid-${name}`,
  name: `ns/${name}`,
  node: 'node-1',
  phase: 'Running',
  isReady: true,
  isEnding: false,
  restarts: 0,
  ...more,
});

function seenWith(...pods: PodSeen[]): PodsSeen {
  const seen = new PodsSeen();
  for (const each of pods) seen.note(each);
  seen.begin();
  return seen;
}

test('not ready, restarted, deleted and gone are each a disturbance, counted once a pod', (t) => {
  const seen = seenWith(pod('a'), pod('b', { restarts: 3 }), pod('c'), pod('d'));
  t.is(seen.note(pod('a', { isReady: false })), 'ns/a is not ready');
  t.is(seen.note(pod('a')), 'ns/a is ready');
  seen.note(pod('b', { restarts: 5 }));
  seen.note(pod('c', { isEnding: true }));
  seen.gone('uid-c');
  t.deepEqual(seen.keepOnly(new Set(['uid-a', 'uid-b'])), ['ns/d is gone']);
  t.deepEqual([...seen.disturbed.keys()], ['ns/a', 'ns/b', 'ns/c', 'ns/d']);
  t.is(seen.containersRestarted, 2);
});

test('pods that came later, were not ready, or are the scenario’s own victims do not count', (t) => {
  const seen = seenWith(pod('slow', { isReady: false }), pod('victim'));
  seen.exempt('ns/victim');
  seen.note(pod('late'));
  seen.note(pod('late', { isReady: false, restarts: 1 }));
  seen.gone('uid-victim');
  seen.gone('uid-slow');
  t.is(seen.disturbed.size, 0);
  t.is(seen.containersRestarted, 0);
});
