// Does: asks upstream servers, one after the other, over the carrier that the client used. Never believes an answer that
// is not to its question, and never has more than a bounded number of questions open.
import dgram from 'node:dgram';
import net from 'node:net';
import dnsPacket from 'dns-packet';
import type { Chance } from '../../../lib/base/chance.ts';

const TRY_MS = 1500;
const ROUNDS = 2;
const MAX_OPEN = 500;

export class Forwarder {
  readonly #upstream: ReadonlyArray<{ host: string; port: number }>;
  readonly #chance: Chance;
  #open = 0;

  /** `192.0.2.1` or `192.0.2.1:5353`. */
  constructor(upstream: readonly string[], chance: Chance) {
    this.#upstream = upstream.map((text) => {
      const [host = '', port = '53'] = text.split(':');
      return { host, port: Number(port) };
    });
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

  async #once(
    packet: Uint8Array,
    over: 'udp' | 'tcp',
    server: { host: string; port: number },
  ): Promise<Uint8Array | undefined> {
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

type Server = { host: string; port: number };

function askUdp(query: Buffer, server: Server): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const end = (answer?: Buffer): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(end, TRY_MS);
    socket.once('error', () => end());
    socket.on('message', (answer) => {
      if (answersTo(query, answer)) end(answer);
    });
    socket.connect(server.port, server.host, () => socket.send(query));
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
    socket.once('error', () => end());
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
  if (answer.length < 12 || answer.readUInt16BE(0) !== query.readUInt16BE(0) || (answer[2]! & 0x80) === 0) return false;
  try {
    const [asked, said] = [dnsPacket.decode(query).questions?.[0], dnsPacket.decode(answer).questions?.[0]];
    return said !== undefined && asked?.type === said.type && asked.name.toLowerCase() === said.name.toLowerCase();
  } catch {
    return false;
  }
}
