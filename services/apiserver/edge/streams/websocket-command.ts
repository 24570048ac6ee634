// Does: speaks with the client of a command over a WebSocket's channels. Never opens one.
import type { WebSocket } from 'ws';
import { LIMITS } from '../../../../lib/base/limits.ts';
import {
  CHANNEL,
  decodeMessage,
  encodeMessage,
  type ChannelMessage,
  type ChannelProtocol,
} from '../../../../lib/streams/channels.ts';
import { sizeOf, type CommandClient, type CommandInput, type Told } from './command.ts';

/** What a WebSocket says of a message that it cannot read. */
export const WRONG_MESSAGE = 1007;

export function websocketCommand(socket: WebSocket, spoken: ChannelProtocol): CommandClient {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on('close', () => resolve());
  let isFinished = false;
  const send = (channel: number, data: Uint8Array): Promise<void> => sendMessage(socket, spoken, channel, data);
  // Tells the client that the conversation has begun.
  void send(CHANNEL.stdout, new Uint8Array());
  return {
    closed,
    listen: (input) => receiveInOrder(socket, spoken, (message) => take(socket, input, message)),
    send: (channel, data) => send(CHANNEL[channel], data),
    finish(told) {
      if (isFinished) return;
      isFinished = true;
      const text = lastWord(told, spoken.tellsStatus);
      if (text !== undefined) void send(CHANNEL.status, Buffer.from(text));
      socket.close(1000);
    },
  };
}

/** Before v4, a client expects nothing when all is well, and text when it is not. */
export function lastWord(told: Told, tellsStatus: boolean): string | undefined {
  if (tellsStatus) return JSON.stringify(told);
  return told.status === 'Success' ? undefined : (told.message ?? 'the command has failed');
}

export function sendMessage(
  socket: WebSocket,
  spoken: ChannelProtocol,
  channel: number,
  data: Uint8Array,
): Promise<void> {
  const message = encodeMessage(spoken, channel, data);
  return new Promise((resolve) => socket.send(message, { binary: !spoken.isText }, () => resolve()));
}

/** What came must be taken in order, also while the other side reads slowly: then the socket is not read. */
export function receiveInOrder(
  socket: WebSocket,
  spoken: ChannelProtocol,
  take: (message: ChannelMessage) => Promise<void> | void,
): void {
  let work = Promise.resolve();
  let waitingBytes = 0;
  socket.on('message', (raw, isBinary) => {
    const bytes = raw as Buffer;
    waitingBytes += bytes.length;
    if (waitingBytes > LIMITS.streamWindowBytes) socket.pause();
    work = work
      .then(() => take(decodeMessage(spoken, bytes, isBinary)))
      .catch(() => {})
      .then(() => {
        waitingBytes -= bytes.length;
        if (waitingBytes <= LIMITS.streamWindowBytes && socket.isPaused) socket.resume();
      });
  });
}

function take(socket: WebSocket, input: CommandInput, message: ChannelMessage): Promise<void> | undefined {
  if (message.type === 'wrong') {
    socket.close(WRONG_MESSAGE, message.why);
    return undefined;
  }
  if (message.type === 'close') {
    if (message.channel === CHANNEL.stdin) input.end();
    return undefined;
  }
  if (message.channel === CHANNEL.stdin && message.data.length > 0) return input.data(message.data);
  const size = message.channel === CHANNEL.resize ? sizeOf(message.data) : undefined;
  if (size !== undefined) input.resize(size.width, size.height);
  return undefined;
}
