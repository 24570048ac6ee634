// Decides what counts as an IPv4 address, block or port: only what passes here may become a word of an nft program.
// Never repairs a bad value.

/** Unsigned 32 bit, or undefined when the text is no dotted address in its usual form. */
export function ipv4(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

export function isIpv4(text: unknown): text is string {
  return ipv4(text) !== undefined;
}

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

export interface Block {
  first: number;
  bits: number;
}

export function blockOf(cidr: unknown): Block | undefined {
  if (typeof cidr !== 'string') return undefined;
  const [address, length, ...rest] = cidr.split('/');
  const number = ipv4(address);
  if (number === undefined || length === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(length))
    return undefined;
  const bits = Number(length);
  return bits > 32 ? undefined : { first: number - (number % 2 ** (32 - bits)), bits };
}

export function contains(block: Block, address: number): boolean {
  return address >= block.first && address < block.first + 2 ** (32 - block.bits);
}

export function overlap(a: Block, b: Block): boolean {
  return contains(a, b.first) || contains(b, a.first);
}

/** As nft prints it: a block of one address without its length. */
export function blockText({ first, bits }: Block): string {
  const address = [24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join('.');
  return bits === 32 ? address : `${address}/${bits}`;
}

/** Without the blocks that others contain: an nft interval set refuses overlaps. */
export function withoutNested(blocks: readonly Block[]): Block[] {
  const sorted = [...blocks].toSorted((a, b) => a.bits - b.bits || a.first - b.first);
  const kept: Block[] = [];
  for (const block of sorted) if (!kept.some((outer) => contains(outer, block.first))) kept.push(block);
  return kept;
}
