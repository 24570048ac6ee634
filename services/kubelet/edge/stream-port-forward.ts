// Does: serves one forwarded connection to a port of a pod: at its address, or, where only its own loopback listens, from
// inside its network namespace. Never keeps a connection when either side has gone.
import net from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { ApiError } from '../../../lib/base/errors.ts';
import type { BusStream } from '../../../lib/bus/streams.ts';
import type { SandboxState } from '../../../runtime-shims/contract.ts';
import type { StreamTools } from './streams.ts';

interface Connection {
  input: Writable;
  output: Readable;
  destroy(): void;
}

/** Both ways until both have ended; half a connection may close first. */
const RELAY = `const s = require('net').connect({ host: '127.0.0.1', port: +process.argv[1], allowHalfOpen: true }, () => {
  process.stdout.write('\\n');
  process.stdin.pipe(s);
  s.pipe(process.stdout);
});
s.on('error', (e) => { process.stderr.write(e.message); process.exit(1); });
process.stdout.on('error', () => process.exit(1));`;

/** Resolves when connected; throws ApiError when nobody listens. */
export async function forwardPort(
  tools: StreamTools,
  sandbox: SandboxState,
  port: number,
  stream: BusStream,
): Promise<void> {
  const connection = await connect(tools, sandbox, port);
  void stream.peerGone.then(() => connection.destroy());
  stream.onFrame(async (frame) => {
    const { input } = connection;
    if (frame.type === 'data' && input.writable)
      await new Promise<void>((resolve) => input.write(frame.data, () => resolve()));
    if (frame.type === 'end') input.end();
  });
  void copy(connection.output, stream);
}

async function copy(output: Readable, stream: BusStream): Promise<void> {
  try {
    for await (const chunk of output) await stream.write('stdout', chunk as Buffer);
    stream.exit(0);
  } catch (error) {
    stream.fail(new ApiError('InternalError', `the connection broke: ${(error as Error).message}`).toStatus());
  }
}

async function connect(tools: StreamTools, sandbox: SandboxState, port: number): Promise<Connection> {
  try {
    return await connectTo(sandbox.ip, port);
  } catch (error) {
    const isRefused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (isRefused && sandbox.netns !== undefined) return connectInside(tools, sandbox.netns, port);
    throw refused(port, (error as Error).message);
  }
}

function connectTo(host: string, port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve({ input: socket, output: socket, destroy: () => socket.destroy() });
    });
  });
}

/** A process of its own, which no other way into a network namespace spares a program that has several threads. */
async function connectInside(tools: StreamTools, netns: string, port: number): Promise<Connection> {
  const child = tools.exec.spawn(['nsenter', `--net=${netns}`, process.execPath, '-e', RELAY, String(port)]);
  const [input, output] = [child.stdin as Writable, child.stdout as Readable];
  input.on('error', () => {});
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-1_000)));
  const first = await firstByte(output, child.ended);
  if (!first) throw refused(port, said);
  return { input, output, destroy: () => child.kill('SIGKILL') };
}

/** The relay says that it is connected with one byte of its own. */
async function firstByte(output: Readable, ended: Promise<unknown>): Promise<boolean> {
  const readable = new Promise<void>((resolve) => output.once('readable', () => resolve()));
  await Promise.race([readable, ended]);
  return output.read(1) !== null;
}

function refused(port: number, why: string): ApiError {
  return new ApiError('InternalError', `failed to connect to port ${port} inside the pod's network namespace: ${why}`);
}
