// Shows who may say what: subjects cannot be forged from names, and credentials reach only what is theirs.
import test from 'ava';
import { matches } from './memory.ts';
import { ACTORS, parseSubject, patternOf, permissionsOf, SUBJECTS, subjectOf, type Identity } from './subjects.ts';

const may = (who: Identity, side: 'publish' | 'subscribe', subject: string): boolean =>
  permissionsOf('c1', who)[side].some((pattern) => matches(pattern.split('.'), subject.split('.')));
const kubelet: Identity = { actor: 'kubelet', instance: 'kubelet-node-1', node: 'node-1' };

test('a name with dots, wildcards and line breaks stays one token', (t) => {
  const subject = subjectOf('c1', 'watch', { group: 'core', resource: 'pods', namespace: 'a.b', name: '>\r\nPUB x' });
  t.is(subject.split('.').length, 8);
  t.regex(subject, /^[A-Za-z0-9_.-]+$/);
  t.deepEqual(parseSubject('watch', subject)?.namespace, 'a_2eb');
});

test('a pattern leaves open what is not given', (t) => {
  t.is(
    patternOf('c1', 'watch', { group: 'apps', resource: 'deployments' }),
    'c1.apiserver.evt.watch.apps.deployments.*.*',
  );
  t.is(parseSubject('watch', 'c1.apiserver.evt.node.n1.pods'), undefined);
});

test('only API actors write to the store', (t) => {
  for (const actor of ACTORS) {
    const who: Identity = { actor, instance: `${actor}-1`, node: 'node-1' };
    const subject = subjectOf('c1', 'storeWrite', { member: 'store-1', from: who.instance });
    t.is(may(who, 'publish', subject), actor === 'apiserver', actor);
  }
});

test('a kubelet asks only in its own name and hears only its own node', (t) => {
  t.true(may(kubelet, 'publish', subjectOf('c1', 'apiRequest', { from: 'kubelet-node-1' })));
  t.false(may(kubelet, 'publish', subjectOf('c1', 'apiRequest', { from: 'kubelet-node-2' })));
  t.true(may(kubelet, 'subscribe', subjectOf('c1', 'nodePods', { node: 'node-1' })));
  t.false(may(kubelet, 'subscribe', subjectOf('c1', 'nodePods', { node: 'node-2' })));
  t.false(may(kubelet, 'subscribe', patternOf('c1', 'watch', { group: 'core', resource: 'secrets' })));
});

test('the observer sees traces and nothing else', (t) => {
  const observer: Identity = { actor: 'observer', instance: 'observer' };
  t.true(may(observer, 'subscribe', patternOf('c1', 'trace')));
  t.true(permissionsOf('c1', observer).subscribe.includes('c1.trace.>'));
  t.false(may(observer, 'subscribe', patternOf('c1', 'watch')));
  t.false(may(observer, 'publish', subjectOf('c1', 'apiRequest', { from: 'observer' })));
  t.false(
    may(observer, 'publish', subjectOf('c1', 'trace', { actor: 'observer', kind: 'Pod', namespace: 'a', name: 'b' })),
  );
});

test('every rule has somebody who says it and somebody who hears it', (t) => {
  for (const [name, rule] of Object.entries(SUBJECTS)) {
    t.true(rule.publish.length > 0 && rule.subscribe.length > 0, name);
    t.true(rule.category === 'evt' || rule.category === 'cmd' || rule.category === 'qry', name);
  }
});
