// Decides which addresses of a range may be given out. Never knows to whom.
import { invariant } from '../../../lib/base/errors.ts';
import { addressNumber, addressText, blockOf, sizeOf } from '../../../lib/base/ipv4.ts';

export interface Cidr {
  base: number;
  /** Number of addresses. */
  size: number;
}

/** Broken text here is a broken setting, not a user's mistake. */
export function parseCidr(text: string): Cidr {
  const block = blockOf(text);
  invariant(block !== undefined && block.bits <= 30, `${JSON.stringify(text)} is not an IPv4 range`);
  return { base: block.first, size: sizeOf(block) };
}

export function containsAddress(cidr: Cidr, ip: string): boolean {
  const value = addressNumber(ip);
  // Neither the network's own address nor the broadcast address is given out.
  return value !== undefined && value > cidr.base && value < cidr.base + cidr.size - 1;
}

/** The address `offset` places into the range. */
export function addressAt(cidr: Cidr, offset: number): string {
  return addressText(cidr.base + offset);
}
