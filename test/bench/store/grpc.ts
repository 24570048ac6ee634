// Does: speaks gRPC over one HTTP/2 connection with node:http2 alone, as lean as it can be: a client for etcd of the same kind
// as our own, in the same process. Never knows a message's meaning: fields go in and come out by number.
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';

export type Field = readonly [number: number, value: number | string | Uint8Array];
const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_CONTENT_TYPE } = constants;
const FRAME_BYTES = 5;
const EMPTY = new Uint8Array(0);

/** A protobuf message of numbers (varint), texts, bytes and messages encoded before. */
export function message(...fields: Field[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number') {
      parts.push(varint(number << 3), varint(value));
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    parts.push(varint((number << 3) | 2), varint(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** The last value of each field; `each` sees all of them, for what is repeated. */
export function fieldsOf(bytes: Buffer, each?: (number: number, value: number | Buffer) => void): Map<number, never> {
  const fields = new Map<number, number | Buffer>();
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    let value: number | Buffer;
    if ((tag & 7) === 2) {
      const length = number();
      value = bytes.subarray(at, at + length);
      at += length;
    } else value = number();
    fields.set(tag >> 3, value);
    each?.(tag >> 3, value);
  }
  return fields as Map<number, never>;
}

export class GrpcClient {
  readonly address: string;
  private session: ClientHttp2Session;

  constructor(address: string) {
    this.address = address;
    this.session = this.dial();
  }

  /** Rejects when the server is gone, refuses, or does not answer in time. */
  call(path: string, request: Uint8Array, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.open(path);
      const parts: Buffer[] = [];
      let status = '';
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
      stream.on('data', (part: Buffer) => parts.push(part));
      const note = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] !== undefined)
          status = `${String(headers['grpc-status'])} ${String(headers['grpc-message'])}`;
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('error', () => {});
      stream.on('close', () => {
        clearTimeout(timer);
        if (!status.startsWith('0 ')) return reject(new Error(`${path} at ${this.address}: ${status || 'no answer'}`));
        const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        resolve(whole.subarray(FRAME_BYTES));
      });
      stream.end(frame(request));
    });
  }

  /** A stream of answers to one request, until the client is closed. */
  stream(path: string, request: Uint8Array, receive: (answer: Buffer) => void): void {
    const stream = this.open(path);
    let rest: Buffer = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (part: Buffer) => {
      rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
      while (rest.length >= FRAME_BYTES) {
        const end = FRAME_BYTES + rest.readUInt32BE(1);
        if (rest.length < end) return;
        receive(rest.subarray(FRAME_BYTES, end));
        rest = rest.subarray(end);
      }
    });
    stream.write(frame(request));
  }

  close(): void {
    this.session.destroy();
  }

  private open(path: string): ClientHttp2Stream {
    if (this.session.destroyed || this.session.closed) this.session = this.dial();
    return this.session.request({
      [HTTP2_HEADER_METHOD]: 'POST',
      [HTTP2_HEADER_PATH]: path,
      [HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      te: 'trailers',
    });
  }

  private dial(): ClientHttp2Session {
    const session = connect(`http://${this.address}`);
    session.setMaxListeners(0);
    session.on('error', () => {});
    return session;
  }
}

function frame(payload: Uint8Array = EMPTY): Buffer {
  const out = Buffer.allocUnsafe(FRAME_BYTES + payload.length);
  out[0] = 0;
  out.writeUInt32BE(payload.length, 1);
  out.set(payload, FRAME_BYTES);
  return out;
}
