// Shows that a body is whole or none: over the limit, broken off, or broken off before anybody read. Never opens a socket.
import { PassThrough } from 'node:stream';
import test from 'ava';
import { isReason } from '../base/errors.ts';
import { readBody } from './read-body.ts';

type Asked = PassThrough & { headers: { 'content-length'?: string }; aborted?: boolean };

function asking(length?: number): Asked {
  const headers = length === undefined ? {} : { 'content-length': String(length) };
  return Object.assign(new PassThrough(), { headers });
}

test('a body comes in one or several pieces, or is empty', async (t) => {
  for (const pieces of [[], ['ab'], ['a', 'b', 'c']]) {
    const request = asking();
    const read = readBody(request, 100);
    for (const piece of pieces) request.write(piece);
    request.end();
    t.is(Buffer.from(await read).toString(), pieces.join(''));
  }
});

test('more than the limit is refused, whether it was announced or not', async (t) => {
  t.true(isReason(await t.throwsAsync(readBody(asking(101), 100)), 'RequestEntityTooLarge'));
  const request = asking();
  const read = readBody(request, 100);
  request.end(Buffer.alloc(101));
  t.true(isReason(await t.throwsAsync(read), 'RequestEntityTooLarge'));
});

test('half a body is no body', async (t) => {
  const short = asking(10);
  const read = readBody(short, 100);
  short.end('half');
  await t.throwsAsync(read, { message: /broke off/ });
  const broken = asking();
  const reading = readBody(broken, 100);
  broken.write('half');
  broken.destroy();
  await t.throwsAsync(reading, { message: /broke off/ });
});

test('who has gone before anybody read is told of at once', async (t) => {
  const gone = asking();
  gone.destroy();
  await t.throwsAsync(readBody(gone, 100), { message: /broke off/ });
  const aborted = asking();
  aborted.aborted = true;
  await t.throwsAsync(readBody(aborted, 100), { message: /broke off/ });
});
