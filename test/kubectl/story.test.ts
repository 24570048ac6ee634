import test from 'ava';
import { normalise } from './normalise.ts';
import { answerFor, matches, readStory, writeStory } from './story.ts';

const TEXT = `# about pods
# every version

=== pod.yaml
kind: Pod
===

$ kubectl get pods
NAME  READY

x  1/1
? 1.27..1.29
none
? 1.30
one

$~ kubectl delete pods
! gone
[1]
`;

test('a story reads and writes the same', (t) => {
  const story = readStory('s', TEXT);
  t.is(writeStory(story), TEXT);
  t.true(story.everyVersion);
  t.deepEqual(story.files, { 'pod.yaml': 'kind: Pod\n' });
  const [get, remove] = story.commands;
  t.is(get!.shell, 'kubectl get pods');
  t.is(get!.line, 8);
  t.is(answerFor(get!, 28).text, 'none');
  t.is(answerFor(get!, 30).text, 'one');
  t.is(answerFor(get!, 31).text, 'NAME  READY\n\nx  1/1');
  t.true(remove!.eventually);
  t.is(answerFor(remove!, 27).text, '! gone\n[1]');
});

test('dots stand for what is not looked at, and for nothing else', (t) => {
  t.true(matches('a\nb', 'a\nb'));
  t.false(matches('a\nb', 'a'));
  t.true(matches('a\n...\nd', 'a\nb\nc\nd'));
  t.true(matches('a\n...\nd', 'a\nd'));
  t.false(matches('a\n...\nd', 'a\nb'));
  t.true(matches('at ... (x)', 'at 12 (x)'));
  t.false(matches('at ... (x)', 'at 12 (y)'));
});

test('what differs from run to run has a name, and nothing else', (t) => {
  const told = (text: string): string => normalise(text, 's33-a');
  t.is(told('NAME       AGE\nx          12s'), 'NAME  AGE\nx  <age>');
  t.is(told('x   1 (3m2s ago)   5d'), 'x  1 (<age> ago)  <age>');
  t.is(told('  cpu:        10m'), '  cpu:  10m');
  t.is(told('uid: 0b1ce2a3-0000-4000-8000-0123456789ab'), 'uid: <uid>');
  t.is(told('  resourceVersion: "123"'), '  resourceVersion: "<rv>"');
  t.is(told('10.0.0.1 192.0.2.1'), '<ip> 192.0.2.1');
  t.is(told('pod/web-6b7f6cdb5d-x2vlp'), 'pod/web-<hash>-<id>');
  t.is(told('namespace/s33-a'), 'namespace/{ns}');
});
