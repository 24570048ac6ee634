// Does: carries bytes between nats.js and a socket without a promise on the way. nats.js reads its transport through an async
// iterator and makes a promise of each write: five turns of the microtask queue for a frame, a tenth of what a message takes from
// one process to another. Never looks into a frame. With nats.ts the only file that knows nats.js' inside.
import { once } from 'node:events';
import { createConnection, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { ConnectionOptions, NatsConnection } from 'nats';
import { NatsConnectionImpl, setTransportFactory } from 'nats/lib/nats-base-client/internal_mod.js';
import { nodeResolveHost, NodeTransport } from 'nats/lib/src/node_transport.js';

type Parse = (frame: Uint8Array) => void;

/** By the options object of a connection, which is the same for each of its transports: nats.js makes a new one to reconnect. */
const parsers = new WeakMap<ConnectionOptions, Parse>();

/** As `connect` of nats.js. */
export async function connectLean(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new LeanTransport(), dnsResolveFn: nodeResolveHost });
  const connection = await NatsConnectionImpl.connect(options);
  const { protocol } = connection as unknown as NatsConnectionImpl;
  parsers.set(protocol.options, (frame) => protocol.parser.parse(frame));
  return connection;
}

/**
 * What a socket hands over at once. A message that is longer comes in pieces, which the parser puts together in memory of two and a half
 * times the size, so most should fit: a batch of 256 writes is 80 KiB.
 */
const READ_BYTES = 262_144;

class LeanTransport extends NodeTransport {
  #isSetUp = false;

  override async dial({ port, hostname }: { port: number; hostname: string }): Promise<Socket> {
    const socket = createConnection({ port, host: hostname, noDelay: true, ...this.#reading() } as TcpNetConnectOpts);
    await once(socket, 'connect');
    socket.removeAllListeners();
    return socket;
  }

  override setupHandlers(): void {
    super.setupHandlers();
    this.socket.removeAllListeners('data');
    this.socket.on('data', (frame: Buffer) => this.#read(frame));
    this.#isSetUp = true;
  }

  /**
   * Left to itself, a socket takes 64 KiB from malloc for each read and gives most of it back, and passes a frame through
   * three layers of streams: a tenth of what a message costs. Of a socket below TLS, which reads by itself, Node knows no such way.
   */
  #reading(): { onread?: OnReadOpts } {
    if (typeof this.options.tls === 'object') return {};
    const callback = (count: number, buffer: Uint8Array): boolean => {
      const frame = buffer.subarray(0, count);
      // For the greeting, nats.js listens to the stream.
      if (this.#isSetUp) this.#read(frame);
      else this.socket.emit('data', Buffer.from(frame));
      return true;
    };
    return { onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback } };
  }

  /**
   * What came with the greeting, and all of a connection's first handshake, still goes through the iterator. The bytes are
   * others when this returns: whoever gets a message has decoded it by then.
   */
  #read(frame: Uint8Array): void {
    const parse = parsers.get(this.options);
    if (parse === undefined || this.yields.length > 0) {
      this.yields.push(Buffer.from(frame));
      this.signal.resolve();
      return;
    }
    try {
      parse(frame);
    } catch (error) {
      // Whatever follows could be the middle of anything: begin anew.
      void this.close(error as Error);
    }
  }

  /** A write that fails ends the socket, which its own handlers hear. */
  override send(frame: Uint8Array): void {
    if (!this.isClosed) this.socket?.write(frame);
  }
}
