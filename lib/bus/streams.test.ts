// Shows that a conversation carries bytes both ways with credit, ends for both, and dies when a frame is lost.
import test from 'ava';
import { systemClock } from '../actor/system.ts';
import { MemoryNetwork } from './memory.ts';
import type { StreamFrame, StreamOpen } from './messages.ts';
import { openStream, serveStreams, type BusStream } from './streams.ts';

const OPEN: StreamOpen = { id: 's1', namespace: 'default', pod: 'web', container: 'web' };

function pair(network = new MemoryNetwork()) {
  const context = (instance: string) => ({ cluster: 'c1', bus: network.connect(instance), clock: systemClock });
  return {
    network,
    api: context('apiserver-1'),
    node: context('kubelet-node-1'),
    peer: { node: 'node-1', instance: 'kubelet-node-1' },
  };
}

/** Collects what comes until the end. */
async function drain(stream: BusStream): Promise<{ text: string; last: StreamFrame | undefined }> {
  const chunks: Uint8Array[] = [];
  let last: StreamFrame | undefined;
  stream.onFrame((frame) => {
    if (frame.type === 'data') chunks.push(frame.data);
    last = frame;
  });
  await stream.closed;
  return { text: Buffer.concat(chunks).toString(), last };
}

test('far more bytes than the window arrive whole and in order', async (t) => {
  const { api, node, peer } = pair();
  const sent = Buffer.alloc(2_000_000, 'abcdefghij');
  serveStreams(node, 'node-1', async (_verb, _open, stream) => {
    void stream.write('stdout', sent).then(() => stream.exit(7));
  });
  const got = await drain(await openStream(api, peer, 'logs', OPEN));
  t.is(got.text, sent.toString());
  t.like(got.last, { type: 'exit', code: 7 });
});

test('a refusal reaches the opener as the error it is', async (t) => {
  const { api, node, peer } = pair();
  serveStreams(node, 'node-1', async () => {
    throw new Error('no such container');
  });
  await t.throwsAsync(openStream(api, peer, 'exec', OPEN), { message: /no such container/ });
});

test('a lost frame ends the conversation with an error, never with a hole in it', async (t) => {
  const { api, node, peer, network } = pair();
  let count = 0;
  network.filter = (_from, subject) => !(subject.includes('.stream.') && ++count === 3);
  serveStreams(node, 'node-1', async (_verb, _open, stream) => {
    void (async () => {
      for (const word of ['one ', 'two ', 'three ', 'four ']) await stream.write('stdout', Buffer.from(word));
      stream.exit(0);
    })();
  });
  const got = await drain(await openStream(api, peer, 'logs', OPEN));
  t.is(got.text, 'one two ');
  t.is(got.last?.type, 'error');
});

test('closing one side ends the other', async (t) => {
  const { api, node, peer } = pair();
  const ended = Promise.withResolvers<void>();
  serveStreams(node, 'node-1', async (_verb, _open, stream) => {
    stream.onFrame(() => {});
    void stream.closed.then(() => ended.resolve());
  });
  const stream = await openStream(api, peer, 'exec', OPEN);
  stream.close();
  await t.notThrowsAsync(ended.promise);
});

test('that the other side has gone is heard also while what it said is not taken', async (t) => {
  const { api, node, peer } = pair();
  let isClosed = false;
  const heard = new Promise<void>((resolve) =>
    serveStreams(node, 'node-1', async (_verb, _open, stream) => {
      stream.onFrame(() => new Promise<void>((taken) => void stream.peerGone.then(resolve).then(taken)));
      void stream.closed.then(() => (isClosed = true));
    }),
  );
  const stream = await openStream(api, peer, 'exec', OPEN);
  await stream.write('stdin', Buffer.from('nobody reads this'));
  stream.close();
  await heard;
  t.false(isClosed, 'what was said is passed on first');
});
