import test from 'ava';
import { kindText, parseTargets, ResourceIndex, type ServedResource } from './resources.ts';

const served = (resource: string, kind: string, more: Partial<ServedResource> = {}): ServedResource => ({
  group: '',
  version: 'v1',
  resource,
  kind,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ['get', 'list'],
  subresources: [],
  ...more,
});
const PODS = served('pods', 'Pod', { shortNames: ['po'], categories: ['all'] });
const EVENTS = served('events', 'Event', { shortNames: ['ev'] });
const NEW_EVENTS = served('events', 'Event', { group: 'events.k8s.io' });
const DEPLOYMENTS = served('deployments', 'Deployment', { group: 'apps', shortNames: ['deploy'], categories: ['all'] });
const INDEX = new ResourceIndex([PODS, EVENTS, NEW_EVENTS, DEPLOYMENTS]);

for (const [word, expected] of [
  ['pods', PODS],
  ['pod', PODS],
  ['po', PODS],
  ['Pod', PODS],
  ['pods.v1', PODS],
  ['deploy', DEPLOYMENTS],
  ['deployments.apps', DEPLOYMENTS],
  ['deployment.v1.apps', DEPLOYMENTS],
  ['events', EVENTS],
  ['events.events.k8s.io', NEW_EVENTS],
] as const)
  test(`${word} is ${expected.resource} of ${expected.group || 'core'}`, (t) => {
    t.is(INDEX.find(word), expected);
  });

test('an unknown word is told as kubectl tells it', (t) => {
  t.is(t.throws(() => INDEX.find('foo')).message, 'the server doesn\'t have a resource type "foo"');
  t.throws(() => INDEX.find('pods.apps'));
  t.throws(() => INDEX.find('constructor'));
});

test('arguments name all, some, or mixed objects', (t) => {
  const names = (...words: string[]): string[] =>
    parseTargets(words, INDEX).map(({ resource, name }) => `${kindText(resource)}/${name ?? '*'}`);
  t.deepEqual(names('pods'), ['pod/*']);
  t.deepEqual(names('po', 'a', 'b'), ['pod/a', 'pod/b']);
  t.deepEqual(names('po,deploy', 'a'), ['pod/a', 'deployment.apps/a']);
  t.deepEqual(names('pod/a', 'deploy/b'), ['pod/a', 'deployment.apps/b']);
  t.deepEqual(names('all'), ['pod/*', 'deployment.apps/*']);
});

for (const words of [[], ['pods', 'pod/a'], ['pod/a/b'], ['pod/'], ['/a']])
  test(`refused: ${JSON.stringify(words)}`, (t) => {
    t.throws(() => parseTargets(words, INDEX), { name: 'UsageError' });
  });
