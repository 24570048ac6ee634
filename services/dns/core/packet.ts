// Decides what a packet says, whoever sent it, or that it cannot be read. Never throws, and never costs more than the packet's own
// length.
import dnsPacket, { type DecodedPacket } from 'dns-packet';

export const HEADER_BYTES = 12;
/** The least that one takes: the name of the root is one byte. */
const QUESTION_BYTES = 5;
const RECORD_BYTES = 11;

export type Decoded = DecodedPacket & { opcode?: string };

/** undefined: what comes after the header cannot be read. */
export function decodePacket(bytes: Buffer): Decoded | undefined {
  if (!hasRoomForItsCounts(bytes)) return undefined;
  try {
    return dnsPacket.decode(bytes) as Decoded;
  } catch {
    return undefined;
  }
}

/**
 * Whether as many questions and records as the header (RFC 1035, 4.1.1) counts fit into the packet. The codec makes room
 * for all of them before it reads the first: twelve bytes would cost two megabytes.
 */
export function hasRoomForItsCounts(bytes: Buffer): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const records = [6, 8, 10].reduce((sum, at) => sum + bytes.readUInt16BE(at), 0);
  return bytes.readUInt16BE(4) * QUESTION_BYTES + records * RECORD_BYTES <= bytes.length - HEADER_BYTES;
}
