// Decides how names are derived from content: the same content gives the same name in every process and version, so a
// create that is repeated after a lost answer meets its own object instead of making a second one. Never draws chance.
import { SUFFIX_ALPHABET } from '../../../lib/base/chance.ts';

/** JSON with sorted keys; null, undefined and absent are the same. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`;
}

/** FNV-1a, 32 bits, over the UTF-8 bytes; the finisher spreads texts that differ only in their last byte. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** `length` characters (at most 6: the hash has no more in it) of the alphabet that generated names use. */
export function nameSuffix(text: string, length = 5): string {
  let rest = hash32(text);
  let suffix = '';
  for (let i = 0; i < length; i++) {
    suffix += SUFFIX_ALPHABET[rest % SUFFIX_ALPHABET.length];
    rest = Math.floor(rest / SUFFIX_ALPHABET.length);
  }
  return suffix;
}

/** The value of the label `pod-template-hash`: the decimal hash in characters that form no words, as upstream's look. */
export function templateHash(template: unknown, collisionCount: number): string {
  const text = canonicalJson(template) + (collisionCount === 0 ? '' : `/${collisionCount}`);
  return String(hash32(text)).replaceAll(
    /\d/g,
    (digit) => SUFFIX_ALPHABET[digit.charCodeAt(0) % SUFFIX_ALPHABET.length]!,
  );
}
