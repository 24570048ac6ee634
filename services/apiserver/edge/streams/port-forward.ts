// Does: carries connections between a client and ports of a pod: each is one conversation with the kubelet. Over SPDY, a
// client opens a pair of streams for each connection. Never knows whether SPDY came by itself or in a WebSocket.
import { ApiError } from '../../../../lib/base/errors.ts';
import type { Clock } from '../../../../lib/base/clock.ts';
import type { BusStream } from '../../../../lib/bus/streams.ts';
import { RESET } from '../../../../lib/streams/spdy/frames.ts';
import type { SpdyStream } from '../../../../lib/streams/spdy/stream.ts';

export interface ForwardTarget {
  pod: string;
  uid: string;
  /** Throws ApiError when the kubelet refuses. */
  open(port: number): Promise<BusStream>;
}

/** The half of a pair that came first waits so long for the other. */
const PAIR_MS = 30_000;

/** Takes the streams of one connection. */
export function pairStreams(target: ForwardTarget, clock: Clock): (stream: SpdyStream) => void {
  const waiting = new Map<string, { stream: SpdyStream; cancel(): void }>();
  return (stream) => {
    const type = stream.headers.get('streamtype');
    const port = portOf(stream.headers.get('port') ?? '');
    if ((type !== 'data' && type !== 'error') || port === undefined) return stream.reset(RESET.protocolError);
    const key = `${requestIdOf(stream, type)} ${port}`;
    const other = waiting.get(key);
    if (other === undefined) return wait(waiting, key, stream, clock);
    if (other.stream.headers.get('streamtype') === type) return stream.reset(RESET.refusedStream);
    waiting.delete(key);
    other.cancel();
    const [data, error] = type === 'data' ? [stream, other.stream] : [other.stream, stream];
    void carry(target, port, data, error);
  };
}

function wait(
  waiting: Map<string, { stream: SpdyStream; cancel(): void }>,
  key: string,
  stream: SpdyStream,
  clock: Clock,
): void {
  const timer = clock.timer(PAIR_MS, () => {
    waiting.delete(key);
    stream.reset();
  });
  waiting.set(key, { stream, cancel: () => timer.cancel() });
  void stream.closed.then(() => {
    if (waiting.get(key)?.stream !== stream) return;
    timer.cancel();
    waiting.delete(key);
  });
}

/** Clients of old name no request: their data stream is the next after its error stream. */
function requestIdOf(stream: SpdyStream, type: 'data' | 'error'): string {
  return stream.headers.get('requestid') ?? `stream ${type === 'error' ? stream.id : stream.id - 2}`;
}

export function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

async function carry(target: ForwardTarget, port: number, data: SpdyStream, error: SpdyStream): Promise<void> {
  const isOver = forwardInto(target, port, {
    listen: (input) => data.read(input),
    send: (bytes) => data.write(bytes),
    fail: (text) => error.write(Buffer.from(text)),
    closed: data.closed,
  });
  await isOver;
  data.end();
  error.end();
}

/** One forwarded connection as its client sees it. */
export interface Forwarded {
  listen(input: { data(bytes: Uint8Array): Promise<void>; end(): void }): void;
  send(bytes: Uint8Array): Promise<void>;
  fail(text: string): Promise<void>;
  readonly closed: Promise<void>;
}

/** Resolves when the connection is over; never rejects. */
export async function forwardInto(target: ForwardTarget, port: number, client: Forwarded): Promise<void> {
  const fail = (why: string): Promise<void> =>
    client.fail(`error forwarding port ${port} to pod ${target.pod}, uid ${target.uid}: ${why}`);
  try {
    const stream = await target.open(port);
    void client.closed.then(() => stream.close());
    client.listen({ data: (bytes) => stream.write('stdin', bytes), end: () => stream.end('stdin') });
    stream.onFrame((frame) => {
      if (frame.type === 'data') return client.send(frame.data);
      if (frame.type === 'error' && frame.status.reason !== 'Gone') return fail(frame.status.message ?? 'it broke off');
      return undefined;
    });
    await stream.closed;
  } catch (error) {
    await fail(error instanceof ApiError ? error.message : String(error));
  }
}
