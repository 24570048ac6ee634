// Shows that a role that every cluster is born with gets back what it lacks, keeps what was added, and is left alone when it says
// so: component-helpers' reconciliation, by its own cases.
import test from 'ava';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { reconciledBinding, reconciledRole } from './reconcile-roles.ts';

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const rule = (verbs: string, resources: string): object => ({
  verbs: verbs.split(' '),
  apiGroups: [''],
  resources: resources.split(' '),
});
const role = (rules: object[], more: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'r', labels: LABELS, annotations: { [AUTO_UPDATE]: 'true' }, ...metadata },
  rules,
  ...more,
});
const binding = (subjects: string[], name = 'r', annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'b', annotations },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: subjects.map((each) => ({ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: each })),
});

test('missing rules are added one by one, what is more stays', (t) => {
  const wanted = role([rule('get list', 'pods nodes'), rule('get', 'services')]);
  t.is(reconciledRole(wanted, wanted), undefined);
  t.is(reconciledRole(role([rule('*', '*')]), wanted), undefined, 'covered is enough');
  t.deepEqual(reconciledRole(role([rule('get', 'pods nodes'), rule('delete', 'secrets')]), wanted)?.['rules'], [
    rule('get', 'pods nodes'),
    rule('delete', 'secrets'),
    rule('list', 'pods'),
    rule('list', 'nodes'),
    rule('get', 'services'),
  ]);
});

test('labels and annotations that are gone come back, those that somebody changed stay', (t) => {
  const wanted = role([]);
  const stored = role([], {}, { labels: { own: 'x' }, annotations: { [AUTO_UPDATE]: 'True', own: 'y' } });
  t.deepEqual(reconciledRole(stored, wanted)?.metadata, {
    name: 'r',
    labels: { ...LABELS, own: 'x' },
    annotations: { [AUTO_UPDATE]: 'True', own: 'y' },
  });
});

test('what a role gathers is completed; one that gathers nothing does not begin to', (t) => {
  const gathers = (...labels: string[]): object => ({
    aggregationRule: { clusterRoleSelectors: labels.map((label) => ({ matchLabels: { [label]: 'true' } })) },
  });
  t.deepEqual(
    reconciledRole(role([], gathers('own')), role([], gathers('wanted')))?.['aggregationRule'],
    (gathers('own', 'wanted') as any).aggregationRule,
  );
  const plain = reconciledRole(role([rule('get', 'pods')], gathers('own')), role([rule('get', 'pods')]));
  t.false('aggregationRule' in plain!);
  t.deepEqual(plain!['rules'], [rule('get', 'pods')]);
});

test('one that is not to be updated is not', (t) => {
  const no = { annotations: { [AUTO_UPDATE]: 'false' } };
  t.is(reconciledRole(role([], {}, no), role([rule('get', 'pods')])), undefined);
  t.is(reconciledBinding(binding([], 'other', { [AUTO_UPDATE]: 'false' }), binding(['a'])), undefined);
});

test('subjects that are missing are added; a binding to another role is made anew', (t) => {
  t.is(reconciledBinding(binding(['a', 'b']), binding(['a'])), undefined);
  const due = reconciledBinding(binding(['b']), binding(['a', 'b']));
  t.is(due?.type, 'update');
  t.deepEqual(due?.type === 'update' && due.object['subjects'].map(({ name }: { name: string }) => name), ['b', 'a']);
  t.deepEqual(reconciledBinding(binding(['a'], 'other'), binding(['a'])), { type: 'recreate' });
});
