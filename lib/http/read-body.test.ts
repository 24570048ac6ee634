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

function bodyOf(request: Asked, mostBytes: number): Promise<Uint8Array> {
  const length = request.headers['content-length'];
  return readBody(request, { announcedBytes: length === undefined ? undefined : Number(length), mostBytes });
}

test('a body comes in one or several pieces, or is empty', async (t) => {
  for (const pieces of [[], ['ab'], ['a', 'b', 'c']]) {
    const request = asking();
    const read = bodyOf(request, 100);
    for (const piece of pieces) request.write(piece);
    request.end();
    t.is(Buffer.from(await read).toString(), pieces.join(''));
  }
});

test('more than the limit is refused, whether it was announced or not', async (t) => {
  t.true(isReason(await t.throwsAsync(bodyOf(asking(101), 100)), 'RequestEntityTooLarge'));
  const request = asking();
  const read = bodyOf(request, 100);
  request.end(Buffer.alloc(101));
  t.true(isReason(await t.throwsAsync(read), 'RequestEntityTooLarge'));
});

test('half a body is no body', async (t) => {
  const short = asking(10);
  const read = bodyOf(short, 100);
  short.end('half');
  await t.throwsAsync(read, { message: /broke off/ });
  const broken = asking();
  const reading = bodyOf(broken, 100);
  broken.write('half');
  broken.destroy();
  await t.throwsAsync(reading, { message: /broke off/ });
});

test('who has gone before anybody read is told of at once', async (t) => {
  const gone = asking();
  gone.destroy();
  await t.throwsAsync(bodyOf(gone, 100), { message: /broke off/ });
  const aborted = asking();
  aborted.aborted = true;
  await t.throwsAsync(bodyOf(aborted, 100), { message: /broke off/ });
});

test('one that does not end is given up, and a late word about one that has ended is not heard', async (t) => {
  let late = (_error: Error): void => t.fail('nobody waits');
  let cancelled = 0;
  const deadline = (give: (error: Error) => void): { cancel(): void } => {
    late = give;
    return { cancel: () => cancelled++ };
  };
  const request = asking();
  const reading = readBody(request, { announcedBytes: undefined, mostBytes: 100, deadline });
  request.write('half');
  late(new Error('too late'));
  await t.throwsAsync(reading, { message: 'too late' });
  const whole = asking();
  const read = readBody(whole, { announcedBytes: undefined, mostBytes: 100, deadline });
  whole.end('all');
  t.is(Buffer.from(await read).toString(), 'all');
  t.true(cancelled > 0);
});
