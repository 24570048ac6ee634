// Decides arithmetic on IPv4 addresses and blocks. Never knows what an address is used for.

/** `10.200.0.0/24` as numbers; `first` and `last` are unsigned 32 bit. */
export interface Block {
  first: number;
  last: number;
}

/** The unsigned 32 bit number of a dotted address, or undefined when it is none. */
export function addressNumber(address: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

/** A CIDR or a single address as a block; undefined when it is neither (`default`, IPv6). */
export function blockOf(cidr: string): Block | undefined {
  const [address = '', length = '32'] = cidr.split('/');
  const number = addressNumber(address);
  const bits = Number(length);
  if (number === undefined || !/^\d+$/.test(length) || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}

export function overlaps(a: Block, b: Block): boolean {
  return a.first <= b.last && b.first <= a.last;
}
