// Decides how ports and blocks stand in an nft program: only what passes here may become a word of one. Never repairs a bad value.
import { addressText, contains, type Block } from '../../../lib/base/ipv4.ts';

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

/** As nft prints it: a block of one address without its length. */
export function blockText({ first, bits }: Block): string {
  return bits === 32 ? addressText(first) : `${addressText(first)}/${bits}`;
}

/** Without the blocks that others contain: an nft interval set refuses overlaps. */
export function withoutNested(blocks: readonly Block[]): Block[] {
  const sorted = [...blocks].toSorted((a, b) => a.bits - b.bits || a.first - b.first);
  const kept: Block[] = [];
  for (const block of sorted) if (!kept.some((outer) => contains(outer, block.first))) kept.push(block);
  return kept;
}
