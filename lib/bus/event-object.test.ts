// Shows that the object of an event comes through as it was, at the revision of the event.
import fc from '../../test/kit/fast-check.ts';
import test from 'ava';
import { packObject, unpackObject } from './event-object.ts';
import { MESSAGE_VERSION, type ResourceEvent } from './messages.ts';

const eventOf = (object: object, revision: number): ResourceEvent => ({
  version: MESSAGE_VERSION,
  group: '',
  resource: 'configmaps',
  type: 'ADDED',
  namespace: 'default',
  name: 'a',
  revision,
  previous: 0,
  json: packObject(object),
  cause: { span: 's', actor: 'a' },
});

test('an object comes through as it was, at the revision of the event', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), fc.nat(), (data, revision) => {
      const object = JSON.parse(
        JSON.stringify({ kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '1' }, data }),
      );
      t.deepEqual(unpackObject(eventOf(object, revision)), {
        ...object,
        metadata: { name: 'a', resourceVersion: String(revision) },
      });
    }),
  );
});

test('each reader has an object of its own', (t) => {
  const event = eventOf({ metadata: { name: 'a' }, spec: { replicas: 1 } }, 7);
  const one = unpackObject<any>(event);
  one.spec.replicas = 2;
  t.is(unpackObject<any>(event).spec.replicas, 1);
});
