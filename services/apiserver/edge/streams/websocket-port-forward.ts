// Does: forwards the ports that a client names in its request over the channels of one WebSocket: two a port, data and
// error, each opened with the port's number. Never takes more ports than that.
import type { WebSocket } from 'ws';
import { ApiError } from '../../../../lib/base/errors.ts';
import type { ChannelProtocol } from '../../../../lib/streams/channels.ts';
import { forwardInto, portOf, type Forwarded, type ForwardTarget } from './port-forward.ts';
import { receiveInOrder, sendMessage, WRONG_MESSAGE } from './websocket-command.ts';

/** A channel is one byte, and 255 says that one has ended. */
const MOST_PORTS = 100;

/** Throws ApiError. */
export function portsOf(query: URLSearchParams): number[] {
  const asked = query.getAll('ports').flatMap((text) => text.split(','));
  if (asked.length === 0) throw new ApiError('BadRequest', 'query parameter "ports" is required');
  if (asked.length > MOST_PORTS)
    throw new ApiError(
      'BadRequest',
      `query parameter "ports" names ${asked.length} ports; at most ${MOST_PORTS} can be`,
    );
  return asked.map((text) => {
    const port = portOf(text);
    if (port === undefined)
      throw new ApiError('BadRequest', `query parameter "ports": ${JSON.stringify(text)} is no port`);
    return port;
  });
}

type Input = Parameters<Forwarded['listen']>[0];

export function forwardOverWebSocket(
  socket: WebSocket,
  spoken: ChannelProtocol,
  target: ForwardTarget,
  ports: readonly number[],
): void {
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const inputs = new Map<number, Promise<Input>>();
  const over = ports.map((port, i) => {
    const { promise, resolve } = Promise.withResolvers<Input>();
    inputs.set(2 * i, promise);
    const send = (channel: number, bytes: Uint8Array): Promise<void> => sendMessage(socket, spoken, channel, bytes);
    const number = Buffer.from([port & 0xff, port >> 8]);
    void send(2 * i, number);
    void send(2 * i + 1, number);
    const carried = forwardInto(target, port, {
      closed,
      listen: resolve,
      send: (bytes) => send(2 * i, bytes),
      fail: (text) => send(2 * i + 1, Buffer.from(text)),
    });
    // What is sent to a port that could not be reached, or no more, is dropped.
    return carried.then(() => {
      resolve(NOBODY);
      inputs.set(2 * i, Promise.resolve(NOBODY));
    });
  });
  receiveInOrder(socket, spoken, async (message) => {
    if (message.type === 'wrong') return socket.close(WRONG_MESSAGE, message.why);
    const input = await inputs.get(message.channel);
    if (message.type === 'close') input?.end();
    else if (message.data.length > 0) await input?.data(message.data);
  });
  void Promise.all(over).then(() => socket.close(1000));
}

const NOBODY: Input = { data: () => Promise.resolve(), end: () => {} };
