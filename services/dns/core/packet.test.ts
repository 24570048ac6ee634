// Shows that a packet is read, or refused before it costs anything.
import dnsPacket from 'dns-packet';
import fc from '../../../test/kit/fast-check.ts';
import test from 'ava';
import { decodePacket, hasRoomForItsCounts, HEADER_BYTES } from './packet.ts';

test('a header that counts records which are not there is refused before room is made for them', (t) => {
  for (const at of [4, 6, 8, 10]) {
    const bytes = Buffer.alloc(HEADER_BYTES + 8);
    t.true(hasRoomForItsCounts(bytes));
    bytes.writeUInt16BE(65_535, at);
    t.false(hasRoomForItsCounts(bytes), `65,535 counted at byte ${at}`);
    t.is(decodePacket(bytes), undefined);
  }
  t.is(decodePacket(Buffer.alloc(HEADER_BYTES - 1)), undefined);
});

test('whatever the codec writes has room for its counts', (t) => {
  const name = fc.constantFrom('.', 'a', 'web.default.svc.cluster.local');
  const record = fc.oneof(
    name.map((of) => ({ type: 'A' as const, name: of, data: '192.0.2.1' })),
    name.map((of) => ({ type: 'TXT' as const, name: of, data: '' })),
    fc.constant({ type: 'OPT' as const, name: '.' as const, udpPayloadSize: 1232, flags: 0, options: [] }),
  );
  const packet = fc.record({
    questions: fc.array(
      name.map((of) => ({ type: 'A' as const, name: of })),
      { maxLength: 3 },
    ),
    answers: fc.array(record, { maxLength: 5 }),
    additionals: fc.array(record, { maxLength: 2 }),
  });
  fc.assert(
    fc.property(packet, (content) => {
      const read = decodePacket(dnsPacket.encode({ type: 'query', id: 7, ...(content as object) }));
      return read?.answers!.length === content.answers.length && read.questions!.length === content.questions.length;
    }),
  );
  t.pass();
});
