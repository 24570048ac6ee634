// Shows that this version of Node ends its streams where it is told to be quiet, and that all else keeps its stack. Never measures
// what that is good for.
import test from 'ava';
import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { endQuietly } from './quiet-ends.ts';

test('what comes of the end of a stream has no stack, and what comes later has one', async (t) => {
  const limits: number[] = [];
  let ended: Error | null | undefined;
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const prototype = stream.constructor.prototype as { _destroy(this: object, ...args: unknown[]): void };
    const destroy = prototype._destroy;
    if (limits.length === 0)
      prototype._destroy = function told(this: object, ...args): void {
        limits.push(Error.stackTraceLimit);
        destroy.apply(this, args);
      };
    endQuietly(stream);
    endQuietly(stream);
    stream.on('error', (error) => (ended = error));
    stream.respond({ ':status': 200 });
    if (stream.id === 1) stream.end('as usual');
    else stream.destroy(new Error('on purpose'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const first = client.request({ ':path': '/' });
    first.resume();
    await once(first, 'close');
    const second = client.request({ ':path': '/' });
    second.on('error', () => {});
    await new Promise<void>((resolve) => second.once('close', () => resolve()));
    t.true(limits.length > 0 && limits.every((limit) => limit === 0));
    t.true(Error.stackTraceLimit > 0);
    t.regex(String(ended?.stack), /on purpose\n\s+at /, 'who ends one says why, with a stack');
  } finally {
    client.close();
    server.close();
  }
});
