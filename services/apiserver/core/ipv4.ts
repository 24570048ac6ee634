// Decides nothing: arithmetic on IPv4 addresses and ranges. Never knows what they are for.
import { invariant } from '../../../lib/base/errors.ts';

export interface Cidr {
  base: number;
  /** Number of addresses. */
  size: number;
}

export function toNumber(ip: string): number | undefined {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function toIp(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Broken text here is a broken setting, not a user's mistake. */
export function parseCidr(text: string): Cidr {
  const [ip = '', bits = ''] = text.split('/');
  const base = toNumber(ip);
  invariant(
    base !== undefined && /^\d+$/.test(bits) && Number(bits) <= 30,
    `${JSON.stringify(text)} is not an IPv4 range`,
  );
  const size = 2 ** (32 - Number(bits));
  return { base: base - (base % size), size };
}

export function containsAddress(cidr: Cidr, ip: string): boolean {
  const value = toNumber(ip);
  // Neither the network's own address nor the broadcast address is given out.
  return value !== undefined && value > cidr.base && value < cidr.base + cidr.size - 1;
}

/** The address `offset` places into the range. */
export function addressAt(cidr: Cidr, offset: number): string {
  return toIp(cidr.base + offset);
}
