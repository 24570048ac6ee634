// Does: asks a container one probe's question, over the network or by a command. Never counts answers or decides what
// they mean.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import type { Container, GRPCAction, HTTPGetAction, Probe } from '../../../lib/api/generated/types.ts';
import type { RuntimeShim } from '../../../runtime-shims/contract.ts';
import { Limit } from './limit.ts';

export interface ProbeAnswer {
  ok: boolean;
  /** Why not, as the Event will say it. */
  output: string;
}

/** Each exec probe starts two processes; more at once would delay each other past their timeouts. */
const EXECS_AT_ONCE = 3;
const MOST_OUTPUT = 1024;
const USER_AGENT = 'kube-probe/1.33';

export class Prober {
  readonly #shim: RuntimeShim;
  readonly #execs = new Limit(EXECS_AT_ONCE);

  constructor(shim: RuntimeShim) {
    this.#shim = shim;
  }

  /** Throws only when the runtime cannot be asked. */
  async ask(container: Container, probe: Probe, at: { id: string; ip: string }): Promise<ProbeAnswer> {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    if (probe.exec !== undefined) return this.#execs.run(() => this.exec(at.id, probe.exec?.command ?? [], timeoutMs));
    if (this.#shim.pretendProbe !== undefined) return { ok: this.#shim.pretendProbe(at.id), output: 'as planned' };
    if (probe.httpGet !== undefined) return askHttp(container, probe.httpGet, at.ip, timeoutMs);
    if (probe.grpc !== undefined) return askGrpc(probe.grpc, at.ip, timeoutMs);
    if (probe.tcpSocket === undefined) return { ok: true, output: '' };
    return askTcp(probe.tcpSocket.host ?? at.ip, portOf(container, probe.tcpSocket.port), timeoutMs);
  }

  async exec(id: string, command: readonly string[], timeoutMs: number): Promise<ProbeAnswer> {
    const session = this.#shim.exec(id, command, { tty: false, stdin: false, timeoutMs });
    let output = '';
    const collect = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(0, MOST_OUTPUT));
    session.stdout.on('data', collect);
    session.stderr.on('data', collect);
    const { exitCode, error } = await session.ended;
    return { ok: exitCode === 0, output: output.trim() === '' ? (error ?? `command exited ${exitCode}`) : output };
  }
}

/** A port may be named after one of the container's. */
export function portOf(container: Container, port: number | string): number {
  if (typeof port === 'number') return port;
  const named = (container.ports ?? []).find(({ name }) => name === port)?.containerPort;
  return named ?? Number(port);
}

export async function askHttp(
  container: Container,
  action: HTTPGetAction,
  ip: string,
  timeoutMs: number,
): Promise<ProbeAnswer> {
  const isSecure = (action.scheme ?? 'HTTP').toUpperCase() === 'HTTPS';
  const port = portOf(container, action.port);
  const host = action.host !== undefined && action.host !== '' ? action.host : ip;
  const path = action.path === undefined || action.path === '' ? '/' : action.path;
  const own = Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  const headers = { 'User-Agent': USER_AGENT, Accept: '*/*', Connection: 'close', ...own };
  const options = { host, port, path: path.startsWith('/') ? path : `/${path}`, agent: false as const, headers };
  const answer = await new Promise<number | Error>((resolve) => {
    const send = isSecure ? https.get : http.get;
    // A probe asks whether something answers, not who it is.
    const request = send({ ...options, ...(isSecure ? { rejectUnauthorized: false } : {}) }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', resolve);
    deadline(
      timeoutMs,
      () => request.destroy(new Error(`context deadline exceeded (no answer in ${timeoutMs} ms)`)),
      request,
    );
  });
  const url = `${isSecure ? 'https' : 'http'}://${host}:${port}${options.path}`;
  if (answer instanceof Error) return { ok: false, output: `Get "${url}": ${answer.message}` };
  return answer >= 200 && answer < 400
    ? { ok: true, output: '' }
    : { ok: false, output: `HTTP probe failed with statuscode: ${answer}` };
}

async function askTcp(host: string, port: number, timeoutMs: number): Promise<ProbeAnswer> {
  const failure = await new Promise<Error | undefined>((resolve) => {
    const socket = net.connect({ host, port });
    socket.on('connect', () => {
      resolve(undefined);
      socket.resetAndDestroy();
    });
    socket.on('error', resolve);
    deadline(timeoutMs, () => socket.destroy(new Error('i/o timeout')), socket);
  });
  return failure === undefined
    ? { ok: true, output: '' }
    : { ok: false, output: `dial tcp ${host}:${port}: ${failure.message}` };
}

/** grpc.health.v1.Health/Check, spoken by hand: one field each way. */
async function askGrpc(action: GRPCAction, ip: string, timeoutMs: number): Promise<ProbeAnswer> {
  const service = Buffer.from(action.service ?? '');
  const message = service.length === 0 ? service : Buffer.concat([Buffer.from([0x0a, service.length]), service]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  const session = http2.connect(`http://${ip}:${action.port}`);
  try {
    const answer = await new Promise<{ status: string; body: Buffer } | Error>((resolve) => {
      session.on('error', resolve);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let body = Buffer.alloc(0);
      let status = '';
      stream.on('data', (chunk: Buffer) => (body = Buffer.concat([body, chunk])));
      stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? status)));
      stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'] ?? status)));
      stream.on('end', () => resolve({ status, body }));
      stream.on('error', resolve);
      deadline(timeoutMs, () => session.destroy(new Error(`timeout: no answer in ${timeoutMs} ms`)), session);
      stream.end(Buffer.concat([frame, message]));
    });
    if (answer instanceof Error)
      return { ok: false, output: `failed to connect grpc service "${ip}:${action.port}": ${answer.message}` };
    const isServing = answer.status === '0' && answer.body[5] === 0x08 && answer.body[6] === 1;
    return isServing
      ? { ok: true, output: '' }
      : {
          ok: false,
          output: `service unhealthy (grpc-status ${answer.status}, serving status ${answer.body[6] ?? 0})`,
        };
  } finally {
    session.destroy();
  }
}

function deadline(
  timeoutMs: number,
  fire: () => void,
  until: { once(event: 'close', handler: () => void): unknown },
): void {
  const timer = setTimeout(fire, timeoutMs);
  until.once('close', () => clearTimeout(timer));
}
