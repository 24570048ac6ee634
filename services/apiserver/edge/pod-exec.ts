// Does: carries exec and attach between a WebSocket (channel protocols v4 and v5) and the kubelet. Never interprets what
// is typed or printed.
import type { WebSocket } from 'ws';
import { ApiError, type Status } from '../../../lib/base/errors.ts';
import type { StreamFrame } from '../../../lib/bus/messages.ts';
import { openStream, type BusStream } from '../../../lib/bus/streams.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { asRefusal } from './refusal.ts';
import { execOpen, podTarget } from './pod-target.ts';

export const execProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** What is wrong with the request is told before the upgrade; throws ApiError. */
export function prepareExec(
  parts: ApiParts,
  call: Call,
  answer: Extract<Answer, { type: 'stream' }>,
  verb: 'exec' | 'attach',
  protocols: readonly string[],
): (socket: WebSocket) => void {
  const { node, kubelet, container } = podTarget(answer.pod, call.query);
  const open = execOpen(parts.ctx.chance.uuid(), answer.pod, container, call.query, verb);
  if (!protocols.some((name) => execProtocols.includes(name)))
    throw new ApiError(
      'BadRequest',
      `${verb} needs one of the WebSocket protocols ${execProtocols.join(', ')}; offered: ${protocols.join(', ')}`,
    );
  return (socket) => {
    // What is typed before the container listens waits in the socket.
    socket.pause();
    openStream(parts.ctx, { node, instance: kubelet }, verb, open).then(
      (stream) => serveExec(socket, stream),
      (error: unknown) => void failExec(socket, asRefusal(parts, error)),
    );
  };
}

/** The kubelet's refusal goes where clients look for it: a failed upgrade would be tried again in another protocol. */
async function failExec(socket: WebSocket, refusal: ApiError): Promise<void> {
  await send(socket, CHANNEL.status, Buffer.from(JSON.stringify(refusal.toStatus())));
  socket.close(1000);
}

function serveExec(socket: WebSocket, stream: BusStream): void {
  // One after the other: what is typed must arrive in order, also while the container reads slowly.
  let work = Promise.resolve();
  socket.on('message', (data, isBinary) => {
    work = work.then(() => receive(socket, stream, data as Buffer, isBinary));
  });
  socket.on('close', () => stream.close());
  socket.on('error', () => stream.close());
  if (socket.readyState !== socket.OPEN) stream.close();
  stream.onFrame((frame) => forward(socket, frame));
  socket.resume();
  void stream.closed.then(() => socket.close(1000));
}

async function receive(socket: WebSocket, stream: BusStream, data: Buffer, isBinary: boolean): Promise<void> {
  const channel = isBinary || data.length === 0 ? data[0] : data[0]! - 48;
  const body = data.subarray(1);
  if (channel === CHANNEL.stdin && body.length > 0) {
    // The client types no faster than the container reads.
    socket.pause();
    await stream.write('stdin', body);
    socket.resume();
  } else if (channel === CHANNEL.resize) resize(stream, body);
  else if (channel === CHANNEL.close && body[0] === CHANNEL.stdin) stream.end('stdin');
}

function resize(stream: BusStream, body: Buffer): void {
  try {
    const { Width, Height } = JSON.parse(body.toString()) as { Width: unknown; Height: unknown };
    if (Number.isInteger(Width) && Number.isInteger(Height)) stream.resize(Width as number, Height as number);
  } catch {
    // A size that cannot be read changes nothing.
  }
}

/** Resolves when the frame has left: only then the container may print more. */
function forward(socket: WebSocket, frame: StreamFrame): Promise<void> | undefined {
  switch (frame.type) {
    case 'data':
      return send(socket, frame.channel === 'stderr' ? CHANNEL.stderr : CHANNEL.stdout, frame.data);
    case 'exit':
      return send(socket, CHANNEL.status, Buffer.from(JSON.stringify(exitStatus(frame.code))));
    case 'error':
      return send(socket, CHANNEL.status, Buffer.from(JSON.stringify(frame.status)));
    default:
      return undefined;
  }
}

function exitStatus(code: number): Partial<Status> {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

function send(socket: WebSocket, channel: number, data: Uint8Array): Promise<void> {
  const frame = Buffer.allocUnsafe(data.length + 1);
  frame[0] = channel;
  frame.set(data, 1);
  return new Promise((resolve) => socket.send(frame, { binary: true }, () => resolve()));
}
