// Decides arithmetic on IPv4 addresses and blocks of them. Never knows what they are for, and never repairs a bad value.

/** `10.200.0.0/24`: `first` is an unsigned 32 bit number. */
export interface Block {
  first: number;
  bits: number;
}

/** Unsigned 32 bit, or undefined when the text is no dotted address in its usual form. */
export function addressNumber(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

export function isAddress(text: unknown): text is string {
  return addressNumber(text) !== undefined;
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

/** Of an address and a length; undefined when the text is anything else. Bits behind the length do not count. */
export function blockOf(cidr: unknown): Block | undefined {
  if (typeof cidr !== 'string') return undefined;
  const [address, length, ...rest] = cidr.split('/');
  const number = addressNumber(address);
  if (number === undefined || length === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(length))
    return undefined;
  const bits = Number(length);
  return bits > 32 ? undefined : { first: number - (number % 2 ** (32 - bits)), bits };
}

/** How many addresses. */
export function sizeOf({ bits }: Block): number {
  return 2 ** (32 - bits);
}

export function contains(block: Block, address: number): boolean {
  return address >= block.first && address < block.first + sizeOf(block);
}

export function overlap(a: Block, b: Block): boolean {
  return contains(a, b.first) || contains(b, a.first);
}
