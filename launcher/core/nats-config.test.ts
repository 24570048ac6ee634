import test from 'ava';
import { permissionsOf, type Identity } from '../../lib/bus/subjects.ts';
import { natsConfigText } from './nats-config.ts';

const KUBELET: Identity = { actor: 'kubelet', instance: 'kubelet-node-1', node: 'node-1' };
const OBSERVER: Identity = { actor: 'observer', instance: 'observer' };

function configFor(...users: Identity[]): string {
  return natsConfigText({
    cluster: 'c1',
    instance: 'nats',
    host: '10.200.0.1',
    port: 4222,
    certFile: '/h/pki/nats.crt',
    keyFile: '/h/pki/nats.key',
    caFile: '/h/pki/ca.crt',
    users: users.map((who) => ({ who, publicKey: `U_${who.instance}` })),
  });
}

test('the whole configuration of a kubelet and an observer', (t) => {
  t.snapshot(configFor(KUBELET, OBSERVER));
});

test('each user has exactly what the subject map gives it', (t) => {
  const text = configFor(KUBELET);
  const { publish, subscribe } = permissionsOf('c1', KUBELET);
  t.true(text.includes(`publish: [${publish.map((subject) => JSON.stringify(subject)).join(', ')}]`));
  t.true(text.includes(`subscribe: [${subscribe.map((subject) => JSON.stringify(subject)).join(', ')}]`));
  t.true(subscribe.every((subject) => !subject.includes('node-2')));
});

test('who is asked may answer, again and again for a stream; who only looks may not', (t) => {
  const [kubelet, observer] = configFor(KUBELET, OBSERVER).split('# observer');
  t.regex(kubelet!, /allow_responses: \{ max: 1000, expires: "1m" \}/);
  t.notRegex(observer!, /allow_responses/);
});

test('a user without permissions of its own gets none', (t) => {
  t.regex(configFor(), /default_permissions \{ publish: "_NOBODY", subscribe: "_NOBODY" \}/);
});
