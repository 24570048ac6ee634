// Shows that frames are the same whatever pieces their bytes come in, and that wrong bytes are refused and never hang,
// grow or throw anything but a protocol error.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { CONTROL_FRAME_BYTES, encode, FrameReader, type Frame } from './frames.ts';
import { SpdyProtocolError } from './protocol-error.ts';

const framesOf = (bytes: Buffer): Frame[] => new FrameReader().push(bytes);

const id = fc.integer({ min: 1, max: 0x7fff_ffff });
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyFrame: fc.Arbitrary<Buffer> = fc.oneof(
  fc.tuple(id, body, fc.boolean()).map(([streamId, block, isFinal]) => encode.synStream(streamId, block, isFinal)),
  fc.tuple(id, body).map(([streamId, block]) => encode.synReply(streamId, block)),
  fc.tuple(id, fc.integer({ min: 1, max: 11 })).map(([streamId, code]) => encode.rstStream(streamId, code)),
  fc.nat({ max: 0xffff_ffff }).map((number) => encode.ping(number)),
  fc
    .tuple(id, body, fc.boolean())
    .map(([streamId, data, isFinal]) => Buffer.concat([encode.dataHead(streamId, data.length, isFinal), data])),
);

/** Pieces of one data frame put together again. */
function joined(frames: readonly Frame[]): Frame[] {
  const whole: Frame[] = [];
  let open: Extract<Frame, { type: 'data' }> | undefined;
  for (const frame of frames) {
    if (frame.type !== 'data') whole.push(frame);
    else if (open?.streamId === frame.streamId && !open.isFinal) {
      open.data = Buffer.concat([open.data, frame.data]);
      open.isFinal = frame.isFinal;
    } else whole.push((open = { ...frame }));
    if (frame.type !== 'data') open = undefined;
  }
  return whole;
}

test('frames are the same in whatever pieces their bytes come', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, sizes) => {
        const bytes = Buffer.concat(frames);
        const reader = new FrameReader();
        const inPieces: Frame[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          inPieces.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        t.deepEqual(joined(inPieces), joined(framesOf(bytes)));
      },
    ),
    { numRuns: 200 },
  );
});

test('a frame of each type is read as it was written', (t) => {
  const block = Buffer.from('block');
  t.deepEqual(framesOf(encode.synStream(5, block, true)), [{ type: 'synStream', streamId: 5, isFinal: true, block }]);
  t.deepEqual(framesOf(encode.synReply(5, block)), [{ type: 'synReply', streamId: 5, isFinal: false, block }]);
  t.deepEqual(framesOf(encode.rstStream(7, 3)), [{ type: 'rstStream', streamId: 7, code: 3 }]);
  t.deepEqual(framesOf(encode.ping(9)), [{ type: 'ping', id: 9 }]);
  t.deepEqual(framesOf(encode.goAway(9, 0)), [{ type: 'goAway' }]);
  t.deepEqual(framesOf(encode.dataHead(3, 0, true)), [
    { type: 'data', streamId: 3, isFinal: true, data: Buffer.alloc(0) },
  ]);
});

test('any bytes are frames, a wait for more, or a protocol error; what waits is bounded', (t) => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    // The look of a control frame, so that the parsers behind it are reached.
    fc.tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 40 })).map(([type, rest]) => {
      return Uint8Array.from([0x80, 3, 0, type, ...rest]);
    }),
  );
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 4 }), (chunks) => {
      const reader = new FrameReader();
      try {
        for (const chunk of chunks) reader.push(chunk);
      } catch (error) {
        t.true(error instanceof SpdyProtocolError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
  const huge = Buffer.from([0x80, 3, 0, 1, 0, 2, 0, 0]);
  t.throws(() => framesOf(huge), { message: new RegExp(`at most ${CONTROL_FRAME_BYTES}`) });
  t.throws(() => framesOf(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])), { message: /version 2/ });
});
