// Does: asks upstream servers, one after the other, over the carrier that the client used. Never believes an answer that
// is not to its question, and never has more than a bounded number of questions open.
import dgram from 'node:dgram';
import net from 'node:net';
import type { Chance } from '../../../lib/base/chance.ts';
import { decodePacket, HEADER_BYTES } from '../core/packet.ts';

const TRY_MS = 1500;
const ROUNDS = 2;
const MAX_OPEN = 500;

export type Server = { host: string; port: number };

export class Forwarder {
  readonly #upstream: readonly Server[];
  readonly #chance: Chance;
  #open = 0;

  constructor(upstream: readonly Server[], chance: Chance) {
    this.#upstream = upstream;
    this.#chance = chance;
  }

  /** The answer with the id of the question, or undefined when nobody answers in time. */
  async ask(packet: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    if (this.#open >= MAX_OPEN) return undefined;
    this.#open++;
    try {
      for (let round = 0; round < ROUNDS; round++)
        for (const server of this.#upstream) {
          const answer = await this.#once(packet, over, server);
          if (answer !== undefined) return answer;
        }
      return undefined;
    } finally {
      this.#open--;
    }
  }

  async #once(packet: Uint8Array, over: 'udp' | 'tcp', server: Server): Promise<Uint8Array | undefined> {
    const query = Buffer.from(packet);
    // Of our own, and from a fresh port: an answer that was not asked for has to guess both.
    query.writeUInt16BE(this.#chance.int(65_536), 0);
    const answer = await (over === 'udp' ? askUdp(query, server) : askTcp(query, server));
    if (answer === undefined) return undefined;
    const mine = Buffer.from(answer);
    Buffer.from(packet).copy(mine, 0, 0, 2);
    return mine;
  }
}

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`; throws on anything else. */
export function serverOf(text: string): Server {
  const [, bracketed, after = '53'] = /^\[(.+)\](?::(\d+))?$/.exec(text) ?? [];
  const [host = '', port = '53'] =
    bracketed !== undefined ? [bracketed, after] : net.isIPv6(text) ? [text] : text.split(':');
  if (net.isIP(host) === 0 || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new Error(`cannot ask "${text}" for names: an upstream server is an IP address, with or without :port`);
  return { host, port: Number(port) };
}

function askUdp(query: Buffer, server: Server): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(net.isIPv6(server.host) ? 'udp6' : 'udp4');
    let ended = false;
    const end = (answer?: Buffer): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(end, TRY_MS);
    socket.on('error', () => end());
    socket.on('message', (answer) => {
      if (answersTo(query, answer)) end(answer);
    });
    // Node hands a failure to this callback instead of the event: no route to an IPv6 server, say.
    socket.connect(server.port, server.host, ((error?: Error) => {
      if (error !== undefined) end();
      else if (!ended) socket.send(query, () => {});
    }) as () => void);
  });
}

function askTcp(query: Buffer, server: Server): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(server);
    let got = Buffer.alloc(0);
    const end = (answer?: Buffer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(end, TRY_MS);
    socket.on('error', () => end());
    socket.once('close', () => end());
    socket.on('data', (part: Buffer) => {
      got = Buffer.concat([got, part]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      const answer = got.subarray(2, 2 + got.readUInt16BE(0));
      end(answersTo(query, answer) ? answer : undefined);
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
}

function answersTo(query: Buffer, answer: Buffer): boolean {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== query.readUInt16BE(0) || (answer[2]! & 0x80) === 0)
    return false;
  const [asked, said] = [decodePacket(query)?.questions?.[0], decodePacket(answer)?.questions?.[0]];
  return said !== undefined && asked?.type === said.type && asked.name.toLowerCase() === said.name.toLowerCase();
}
