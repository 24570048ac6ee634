// Shows two ends of a SPDY connection with each other and one end with a peer that breaks the rules: order, half close,
// slow readers, limits.
import { duplexPair, type Duplex } from 'node:stream';
import { constants, createDeflate } from 'node:zlib';
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { LIMITS } from '../../base/limits.ts';
import { SpdyConnection } from './connection.ts';
import { DICTIONARY } from './dictionary.ts';
import { encode } from './frames.ts';
import { HeaderReader, HeaderWriter, HEADER_BLOCK_BYTES, parsePairs } from './header-block.ts';
import { SpdyProtocolError } from './protocol-error.ts';
import type { SpdyStream } from './stream.ts';

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

function connected(onStream: (stream: SpdyStream) => void): { client: SpdyConnection; server: SpdyConnection } {
  const [here, there] = duplexPair();
  return {
    server: new SpdyConnection(here, { role: 'server', onStream }),
    client: new SpdyConnection(there, { role: 'client' }),
  };
}

const raw = (): { socket: Duplex; opened: SpdyStream[]; connection: SpdyConnection } => {
  const [here, there] = duplexPair();
  const opened: SpdyStream[] = [];
  const connection = new SpdyConnection(here, { role: 'server', onStream: (stream) => void opened.push(stream) });
  return { socket: there, opened, connection };
};

const collected = (stream: SpdyStream): Promise<string> =>
  new Promise((resolve) => {
    const parts: Buffer[] = [];
    stream.read({ data: (part) => void parts.push(part), end: () => resolve(Buffer.concat(parts).toString()) });
  });

test('streams carry bytes both ways, and end each way apart', async (t) => {
  const { client } = connected((stream) => {
    const name = stream.headers.get('streamtype');
    void collected(stream).then(async (said) => {
      await stream.write(Buffer.from(`${name}: ${said}`));
      stream.end();
    });
  });
  const streams = ['data', 'error', 'data'].map((kind) => client.open([['StreamType', kind]]));
  const answers = streams.map(collected);
  for (const [i, stream] of streams.entries()) {
    await stream.write(Buffer.from(`question ${i}`));
    stream.end();
  }
  t.deepEqual(await Promise.all(answers), ['data: question 0', 'error: question 1', 'data: question 2']);
  await Promise.all(streams.map((stream) => stream.closed));
});

test('a reader that takes nothing holds back its writer, at a bounded number of bytes', async (t) => {
  let release = (): void => {};
  let taken = 0;
  const { client } = connected((stream) => {
    stream.read({
      data: async (part) => {
        taken += part.length;
        await new Promise<void>((resolve) => (release = resolve));
      },
      end: () => {},
    });
  });
  const stream = client.open([['streamtype', 'stdin']]);
  let written = 0;
  const total = 64 * LIMITS.streamFrameBytes;
  const writing = (async () => {
    for (; written < total; written += LIMITS.streamFrameBytes)
      await stream.write(Buffer.alloc(LIMITS.streamFrameBytes));
  })();
  await turns(200);
  const held = written - taken;
  t.true(held < 3 * LIMITS.streamWindowBytes, `${held} bytes are held`);
  while (taken < total) {
    release();
    await turns(1);
  }
  release();
  await writing;
  t.is(written, total);
});

test('when the connection goes, every stream and every writer is let go', async (t) => {
  const opened: SpdyStream[] = [];
  const { client, server } = connected((stream) => void opened.push(stream));
  const stream = client.open([['streamtype', 'data']]);
  await eventually('the stream has arrived', () => opened.length > 0);
  const blocked = opened[0]!.write(Buffer.alloc(1 << 20));
  client.close();
  await Promise.all([stream.closed, opened[0]!.closed, blocked, server.closed, client.closed]);
  t.deepEqual(await server.closed, {});
});

test('headers are read as Go and Node deflate them, across blocks', async (t) => {
  const deflate = createDeflate({ dictionary: DICTIONARY, level: 9 });
  let out: Buffer[] = [];
  deflate.on('data', (part: Buffer) => out.push(part));
  const compressed = async (block: Buffer): Promise<Buffer> => {
    out = [];
    await new Promise<void>((resolve) => deflate.write(block, () => deflate.flush(constants.Z_SYNC_FLUSH, resolve)));
    return Buffer.concat(out);
  };
  const reader = new HeaderReader();
  for (let i = 0; i < 5; i++) {
    const value = 'x'.repeat(i * 12_000);
    const block = Buffer.concat(
      [1, 'Port', value].map((part) => {
        const text = Buffer.from(typeof part === 'number' ? '' : part);
        const head = Buffer.alloc(4);
        head.writeUInt32BE(typeof part === 'number' ? part : text.length);
        return Buffer.concat([head, text]);
      }),
    );
    t.is((await reader.read(await compressed(block))).get('port'), value);
  }
  reader.close();
});

test('a block that inflates beyond its bound is refused', async (t) => {
  const reader = new HeaderReader();
  const deflate = createDeflate({ dictionary: DICTIONARY });
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  await new Promise<void>((resolve) =>
    deflate.write(Buffer.alloc(50 * HEADER_BLOCK_BYTES), () => deflate.flush(constants.Z_SYNC_FLUSH, resolve)),
  );
  await t.throwsAsync(reader.read(Buffer.concat(parts)), { message: /headers of more than 65536 bytes/ });
});

test('whatever a peer sends, the connection lives on or ends with a protocol error', async (t) => {
  const reader = new HeaderWriter();
  const good = encode.synStream(1, reader.write([['streamtype', 'data']]));
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(good),
    fc.nat({ max: 5 }).map((id) => encode.synStream(id, Buffer.from([0x78, 0xbb, 1, 2, 3]))),
    fc.nat({ max: 5 }).map((id) => Buffer.concat([encode.dataHead(id, 3, true), Buffer.from('abc')])),
    fc.nat({ max: 5 }).map((id) => encode.rstStream(id, 1)),
    fc.constant(encode.ping(1)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
      const { socket, connection } = raw();
      socket.resume();
      for (const bytes of pieces) socket.write(bytes);
      socket.end();
      await connection.closed;
    }),
    { numRuns: 150 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        parsePairs(Buffer.from(bytes));
      } catch (error) {
        t.true(error instanceof SpdyProtocolError);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a stream that is opened twice ends the connection and says why', async (t) => {
  const { socket, connection, opened } = raw();
  const writer = new HeaderWriter();
  socket.write(encode.synStream(3, writer.write([['streamtype', 'data']])));
  socket.write(encode.synStream(3, writer.write([['streamtype', 'data']])));
  socket.resume();
  t.regex((await connection.closed).why ?? '', /stream 3 cannot be opened after stream 3/);
  t.is(opened.length, 1);
  await opened[0]!.closed;
});
