// Does: runs a command in a container over a WebSocket (v5.channel.k8s.io): standard streams, terminal size, exit code.
// Never decides which container.
import { WebSocket, type RawData } from 'ws';
import { ApiError, type Status } from '../../lib/base/errors.ts';
import type { HttpsTransport } from '../../lib/client/https-transport.ts';

const PROTOCOL = 'v5.channel.k8s.io';
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** Version 5: the next byte names a channel whose sender is done. */
const CLOSE = 255;
const CLOSE_MS = 500;

/** The exit code of the command. */
export async function runRemote(
  transport: HttpsTransport,
  pathAndQuery: string,
  options: { stdin: boolean; tty: boolean },
): Promise<number> {
  const { url, headers, tls } = transport.connection();
  const socket = new WebSocket(url + pathAndQuery, [PROTOCOL], {
    headers,
    ...(tls as object),
    perMessageDeflate: false,
  });
  const opened = await open(socket);
  const restore = options.tty ? rawTerminal(opened) : () => {};
  if (options.stdin) sendInput(opened);
  try {
    return await outcome(opened);
  } finally {
    restore();
    process.stdin.pause();
    opened.close();
  }
}

function open(socket: WebSocket): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => reject(refusal(Buffer.concat(chunks).toString('utf8'), response.statusCode ?? 0)));
    });
  });
}

function refusal(text: string, code: number): ApiError {
  try {
    return ApiError.fromStatus(JSON.parse(text) as Partial<Status>, code);
  } catch {
    return new ApiError('', text.trim() || `the server answered ${code}`, undefined, { code });
  }
}

function outcome(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    let status: Partial<Status> | undefined;
    socket.on('message', (data: RawData) => {
      const bytes = data as Buffer;
      const body = bytes.subarray(1);
      const [channel] = bytes;
      if (channel === STDOUT) process.stdout.write(body);
      else if (channel === STDERR) process.stderr.write(body);
      else if (channel === ERROR && body.length > 0) status = JSON.parse(body.toString('utf8')) as Partial<Status>;
      if (status !== undefined) closeSoon(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (status === undefined) reject(new Error('the connection to the container ended before the command did'));
      else if (status.status === 'Success') resolve(0);
      else exitCode(status, resolve, reject);
    });
  });
}

/** The server should end the connection; one that does not is left. */
function closeSoon(socket: WebSocket): void {
  socket.close();
  setTimeout(() => socket.terminate(), CLOSE_MS).unref();
}

function exitCode(status: Partial<Status>, resolve: (code: number) => void, reject: (error: Error) => void): void {
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  if (status.reason === ('NonZeroExitCode' as string) && cause?.message !== undefined) resolve(Number(cause.message));
  else reject(new Error(status.message ?? 'the command failed'));
}

function sendInput(socket: WebSocket): void {
  process.stdin.on('data', (chunk: Buffer) => socket.send(Buffer.concat([Buffer.from([STDIN]), chunk])));
  process.stdin.once('end', () => {
    if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.from([CLOSE, STDIN]));
  });
  process.stdin.resume();
}

/** Keys go to the container, not to this program; gives back what puts the terminal right again. */
function rawTerminal(socket: WebSocket): () => void {
  const resize = (): void => {
    const size = JSON.stringify({ Width: process.stdout.columns, Height: process.stdout.rows });
    if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.concat([Buffer.from([RESIZE]), Buffer.from(size)]));
  };
  process.stdin.setRawMode(true);
  process.stdout.on('resize', resize);
  resize();
  return () => {
    process.stdin.setRawMode(false);
    process.stdout.off('resize', resize);
  };
}
