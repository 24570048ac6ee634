// Shows that Node's own HTTP/2 keeps its streams where it is told to, and that they are gone when they are done. Never
// measures what that is good for.
import test from 'ava';
import { once } from 'node:events';
import { connect, createServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { keepOpenStreams, OpenStreams } from './open-streams.ts';

test('streams are found by their ids until they are taken out', (t) => {
  const streams = new OpenStreams<string>();
  streams.set(1, 'one').set(3, 'three').set(3, 'third');
  t.is(streams.size, 2);
  t.is(streams.get(3), 'third');
  t.true(streams.delete(1));
  t.false(streams.delete(1));
  t.is(streams.get(1), undefined);
  const seen: unknown[] = [];
  streams.forEach((stream, id) => seen.push([id, stream]));
  t.deepEqual(seen, [[3, 'third']]);
  t.is(streams.size, 1);
});

test('a session of this version of Node takes it, and requests are answered over it', async (t) => {
  const kept: boolean[] = [];
  const sessions: Http2Session[] = [];
  const server = createServer((request, response) => response.end(request.url));
  server.on('session', (session) => {
    kept.push(keepOpenStreams(session));
    sessions.push(session);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const ask = async (path: string): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of client.request({ ':path': path })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  try {
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    t.deepEqual(await Promise.all(paths.map(ask)), paths);
    t.deepEqual(kept, [true]);
    t.false(keepOpenStreams(sessions[0]!), 'it is another map already, or Node keeps them elsewhere');
  } finally {
    client.close();
    // Ends only when no stream is known as open any more.
    await once(sessions[0]!, 'close');
    server.close();
  }
});
