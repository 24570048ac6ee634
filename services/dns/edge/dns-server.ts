// Does: receives packets over UDP and TCP, has them answered, sends the answers. Never dies of what it receives.
import dgram from 'node:dgram';
import net from 'node:net';
import type { Response } from '../core/respond.ts';

/** Bounds for clients that open connections and say nothing. */
const MAX_CONNECTIONS = 256;
const IDLE_MS = 10_000;
const PORT_TRIES = 8;

export interface DnsServerContext {
  listen: string;
  port: number;
  /** Decides, and asks upstream where that is needed; undefined: no answer. Never rejects. */
  answer(packet: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array | undefined>;
}

export interface DnsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Rejects when the address cannot be bound. Port 0 takes any. */
export async function startDnsServer(ctx: DnsServerContext): Promise<DnsServer> {
  const sockets = new Set<net.Socket>();
  const tcp = net.createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serveConnection(socket, ctx);
  });
  tcp.maxConnections = MAX_CONNECTIONS;
  const { port, udp } = await bindBoth(tcp, ctx);
  let stopped: Promise<unknown> | undefined;
  udp.on('message', (packet, from) => {
    void ctx.answer(packet, 'udp').then((reply) => {
      // The client may be gone, its port refuse: that is its own matter.
      if (reply !== undefined && stopped === undefined) udp.send(reply, from.port, from.address, () => {});
    });
  });
  return {
    port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      stopped ??= Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
      await stopped;
    },
  };
}

/** One port for both. Which one a caller does not care for (0) may be free for TCP alone: then another is tried. */
async function bindBoth(tcp: net.Server, ctx: DnsServerContext): Promise<{ port: number; udp: dgram.Socket }> {
  for (let left = ctx.port === 0 ? PORT_TRIES : 1; ; left--) {
    await bindTcp(tcp, ctx);
    const { port } = tcp.address() as net.AddressInfo;
    const udp = dgram.createSocket({ type: ctx.listen.includes(':') ? 'udp6' : 'udp4' });
    try {
      await bindUdp(udp, ctx.listen, port);
      return { port, udp };
    } catch (error) {
      await new Promise((resolve) => tcp.close(resolve));
      if (left === 1) throw error;
    }
  }
}

/** Each message has two bytes of length before it; several may come in one piece, or one in several. */
function serveConnection(socket: net.Socket, ctx: DnsServerContext): void {
  let got = Buffer.alloc(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (part: Buffer) => {
    got = Buffer.concat([got, part]);
    while (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) {
      const end = 2 + got.readUInt16BE(0);
      const packet = Buffer.from(got.subarray(2, end));
      got = got.subarray(end);
      void ctx.answer(packet, 'tcp').then((reply) => {
        if (reply === undefined || !socket.writable) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      });
    }
  });
}

function bindTcp(server: net.Server, { listen, port }: { listen: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(listen, port, error)));
    server.listen(port, listen, () => {
      server.removeAllListeners('error').on('error', () => {});
      resolve();
    });
  });
}

function bindUdp(socket: dgram.Socket, listen: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => reject(cannotListen(listen, port, error)));
    socket.bind(port, listen, () => {
      socket.removeAllListeners('error').on('error', () => {});
      resolve();
    });
  });
}

function cannotListen(listen: string, port: number, cause: Error): Error {
  return new Error(`cannot answer DNS on ${listen}:${port}: ${cause.message}`, { cause });
}

/** Turns a decision into bytes, asking upstream where it says so. */
export async function carryOut(
  response: Response,
  over: 'udp' | 'tcp',
  ask: (packet: Uint8Array, over: 'udp' | 'tcp') => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  switch (response.type) {
    case 'silence':
      return undefined;
    case 'reply':
      return response.packet;
    case 'forward':
      return (await ask(response.packet, over)) ?? response.failed;
    case 'chase':
      return response.finish(await ask(response.packet, over));
  }
}
