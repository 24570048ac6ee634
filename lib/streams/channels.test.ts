// Shows that channel messages survive the way there and back in each protocol, and that wrong ones are told as such.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { chosenProtocol, COMMAND_PROTOCOLS, decodeMessage, encodeMessage, FORWARD_PROTOCOLS } from './channels.ts';

const of = (name: string) => COMMAND_PROTOCOLS.find((one) => one.name === name)!;

test('what is encoded is decoded, in each protocol', (t) => {
  const any = fc.tuple(fc.constantFrom(...COMMAND_PROTOCOLS), fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 80 }));
  fc.assert(
    fc.property(any, ([spoken, channel, data]) => {
      const message = encodeMessage(spoken, channel, data);
      t.deepEqual(decodeMessage(spoken, message, !spoken.isText), { type: 'data', channel, data: Buffer.from(data) });
    }),
    { numRuns: 300 },
  );
});

test('any message is data, a close, or wrong', (t) => {
  const any = fc.tuple(fc.constantFrom(...COMMAND_PROTOCOLS), fc.uint8Array({ maxLength: 20 }), fc.boolean());
  fc.assert(
    fc.property(any, ([spoken, bytes, isBinary]) => {
      const read = decodeMessage(spoken, Buffer.from(bytes), isBinary);
      t.true(['data', 'close', 'wrong'].includes(read.type));
    }),
    { numRuns: 1_000 },
  );
  t.is(decodeMessage(of('v5.channel.k8s.io'), Buffer.alloc(0), true).type, 'wrong');
  t.is(decodeMessage(of('v5.channel.k8s.io'), Buffer.from([255]), true).type, 'wrong');
  t.is(decodeMessage(of('v4.base64.channel.k8s.io'), Buffer.from('0a?c='), false).type, 'wrong');
  t.is(decodeMessage(of('v4.base64.channel.k8s.io'), Buffer.from('xYWJj'), false).type, 'wrong');
});

test('only v5 says that a channel has ended', (t) => {
  const close = Buffer.from([255, 0]);
  t.deepEqual(decodeMessage(of('v5.channel.k8s.io'), close, true), { type: 'close', channel: 0 });
  t.is(decodeMessage(of('v4.channel.k8s.io'), close, true).type, 'data');
});

test('the best protocol that is offered is chosen', (t) => {
  t.is(chosenProtocol(COMMAND_PROTOCOLS, ['v4.channel.k8s.io', 'v5.channel.k8s.io'])?.name, 'v5.channel.k8s.io');
  t.is(chosenProtocol(FORWARD_PROTOCOLS, ['v5.channel.k8s.io', 'v4.channel.k8s.io'])?.name, 'v4.channel.k8s.io');
  t.is(chosenProtocol(COMMAND_PROTOCOLS, ['v9.channel.k8s.io']), undefined);
});
