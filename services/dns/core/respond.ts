// Decides what happens to one packet: an answer, silence, or a question for somebody else. Never sends, never throws,
// whatever the packet holds.
import dnsPacket from 'dns-packet';
import type { Answer, OptAnswer, Packet } from 'dns-packet';
import type { DnsIndex } from './dns-index.ts';
import { lookup, soa, type Zone } from './lookup.ts';
import { decodePacket, HEADER_BYTES, type Decoded } from './packet.ts';

export interface Asked {
  packet: Uint8Array;
  /** TCP carries any size; UDP what the client says it takes. */
  over: 'udp' | 'tcp';
  /** Turns the order of addresses, so that clients that take the first are spread. */
  turn: number;
}

export interface World {
  index: DnsIndex;
  zone: Zone;
  /** false until the lists are complete: better no answer than "no such name". */
  ready: boolean;
  /** Somebody to ask other names. */
  hasUpstream: boolean;
}

export type Response =
  | { type: 'silence' }
  | { type: 'reply'; packet: Uint8Array }
  /** Ask upstream the same. `failed` is the reply when nobody answers. */
  | { type: 'forward'; packet: Uint8Array; failed: Uint8Array }
  /** Ask upstream for the target of an alias, and `finish` the reply with what it says. */
  | { type: 'chase'; packet: Uint8Array; finish: (answer: Uint8Array | undefined) => Uint8Array };

const RCODE = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const;
/** Fits an unfragmented packet on every network (DNS flag day 2020). */
const EDNS_BYTES = 1232;
const PLAIN_UDP_BYTES = 512;

export function respond(asked: Asked, world: World): Response {
  const bytes = Buffer.from(asked.packet);
  // An answer to an answer would never end; less than a header cannot be answered.
  if (bytes.length < HEADER_BYTES || (bytes[2]! & 0x80) !== 0) return { type: 'silence' };
  const query = decodePacket(bytes);
  if (query === undefined) return { type: 'reply', packet: bareReply(bytes, RCODE.formErr) };
  if (query.opcode !== 'QUERY') return { type: 'reply', packet: bareReply(bytes, RCODE.notImp) };
  const question = query.questions?.[0];
  if (question === undefined || query.questions?.length !== 1 || !echoes(bytes, query))
    return { type: 'reply', packet: bareReply(bytes, RCODE.formErr) };
  if (question.class !== 'IN') return replyWith(query, asked, { rcode: RCODE.refused });
  return answer(query, question, asked, world);
}

function answer(query: Decoded, question: { name: string; type: string }, asked: Asked, world: World): Response {
  const { index, zone } = world;
  const found = lookup(question, index, zone);
  if (found.type === 'foreign') return forward(query, asked, world);
  if (!world.ready) return replyWith(query, asked, { rcode: RCODE.servFail });
  const authorities = [soa(index, zone)];
  switch (found.type) {
    case 'records':
      return replyWith(query, asked, {
        rcode: RCODE.noError,
        answers: turned(found.records, asked.turn),
        additionals: found.additionals ?? [],
        ours: true,
      });
    case 'nodata':
      return replyWith(query, asked, { rcode: RCODE.noError, authorities, ours: true });
    case 'nxdomain':
      return replyWith(query, asked, { rcode: RCODE.nxDomain, authorities, ours: true });
    case 'alias':
      return followAlias(query, question, found, asked, world);
  }
}

function forward(query: Decoded, asked: Asked, world: World): Response {
  if (!world.hasUpstream) return replyWith(query, asked, { rcode: RCODE.refused });
  return { type: 'forward', packet: asked.packet, failed: encode(query, asked, { rcode: RCODE.servFail }) };
}

/** An alias of a name of ours is answered at once; of another name, upstream is asked. */
function followAlias(
  query: Decoded,
  question: { name: string; type: string },
  found: { record: Answer; target: string },
  asked: Asked,
  world: World,
): Response {
  const alone = { rcode: RCODE.noError, answers: [found.record], ours: true };
  if (question.type === 'CNAME') return replyWith(query, asked, alone);
  const target = lookup({ name: found.target, type: question.type }, world.index, world.zone);
  if (target.type === 'records')
    return replyWith(query, asked, { ...alone, answers: [found.record, ...target.records] });
  if (target.type !== 'foreign' || !world.hasUpstream) return replyWith(query, asked, alone);
  const packet = dnsPacket.encode({
    type: 'query',
    id: query.id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: found.target, type: question.type as 'A', class: 'IN' }],
  });
  return {
    type: 'chase',
    packet,
    finish: (reply) => {
      const more = reply === undefined ? undefined : decodePacket(Buffer.from(reply));
      if (more === undefined) return encode(query, asked, { ...alone, rcode: RCODE.servFail });
      return encode(query, asked, { ...alone, answers: [found.record, ...(more.answers ?? [])] });
    },
  };
}

interface Content {
  rcode: number;
  answers?: Answer[];
  authorities?: Answer[];
  additionals?: Answer[];
  ours?: boolean;
}

function replyWith(query: Decoded, asked: Asked, content: Content): Response {
  return { type: 'reply', packet: encode(query, asked, content) };
}

/** Additional records go first when there is no room, then answers from the end: some are better than none. */
function encode(query: Decoded, asked: Asked, content: Content): Uint8Array {
  const opt = query.additionals?.find((record): record is OptAnswer => record.type === 'OPT');
  const room = asked.over === 'tcp' ? 65_535 : roomFor(opt);
  const own: Answer[] = opt === undefined ? [] : [OWN_OPT];
  const answers = [...(content.answers ?? [])];
  const packet: Packet = {
    type: 'response',
    id: query.id,
    flags: flagsOf(query, content),
    questions: query.questions,
    answers,
    authorities: content.authorities ?? [],
    additionals: [...(content.additionals ?? []), ...own],
  };
  if (dnsPacket.encodingLength(packet) > room) packet.additionals = own;
  if (dnsPacket.encodingLength(packet) > room) {
    packet.flags! |= dnsPacket.TRUNCATED_RESPONSE;
    while (answers.length > 0 && dnsPacket.encodingLength(packet) > room) answers.pop();
  }
  return dnsPacket.encode(packet);
}

const OWN_OPT: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: EDNS_BYTES,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function roomFor(opt: OptAnswer | undefined): number {
  return opt === undefined ? PLAIN_UDP_BYTES : Math.min(Math.max(opt.udpPayloadSize, PLAIN_UDP_BYTES), EDNS_BYTES);
}

function flagsOf(query: Decoded, content: Content): number {
  const recursion = dnsPacket.RECURSION_AVAILABLE | ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED);
  return recursion | (content.ours === true ? dnsPacket.AUTHORITATIVE_ANSWER : 0) | content.rcode;
}

/** The header alone: what came with it could not be read. */
function bareReply(query: Buffer, rcode: number): Uint8Array {
  const reply = Buffer.alloc(HEADER_BYTES);
  query.copy(reply, 0, 0, 2);
  reply[2] = 0x80 | (query[2]! & 0x79);
  reply[3] = rcode;
  return reply;
}

/** The codec reads labels as text: one with a dot or a byte that is no UTF-8 inside would be echoed as another name. */
function echoes(bytes: Buffer, query: Decoded): boolean {
  const again = dnsPacket.encode({ type: 'query', id: query.id, questions: query.questions });
  return bytes.subarray(HEADER_BYTES, again.length).equals(again.subarray(HEADER_BYTES));
}

function turned<T>(list: readonly T[], turn: number): T[] {
  const at = list.length === 0 ? 0 : turn % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
