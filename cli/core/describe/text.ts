// Decides the small words that every description shares: maps, lists, times, nothing. Never asks for an object.
import { LAST_APPLIED } from '../../../lib/api/managed-fields/last-applied.ts';
import type { ObjectMeta } from '../../../lib/api/generated/types.ts';
import { humanDuration } from '../../../lib/api/age.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sun, 22 Nov 2026 08:26:29 +0000` */
export function longTime(time: string | undefined): string {
  const at = new Date(time ?? '');
  if (Number.isNaN(at.getTime())) return '<unset>';
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':');
  return `${DAYS[at.getUTCDay()]}, ${two(at.getUTCDate())} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()} ${clock} +0000`;
}

/** `Labels:\ta=b` with one pair a line. */
export function mapLines(title: string, map: Record<string, string> | undefined, separator = '='): string[] {
  const pairs = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return [`${title}:\t<none>`];
  return pairs.map(([key, value], i) => `${i === 0 ? `${title}:` : ''}\t${key}${separator}${value}`);
}

export function annotationLines(metadata: ObjectMeta | undefined): string[] {
  const { [LAST_APPLIED]: _hidden, ...shown } = metadata?.annotations ?? {};
  return mapLines('Annotations', shown, ': ');
}

export function ownerLine(metadata: ObjectMeta | undefined): string[] {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return owner === undefined ? [] : [`Controlled By:\t${owner.kind}/${owner.name}`];
}

export function pairsText(map: Record<string, string> | undefined, nothing = '<none>'): string {
  const pairs = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? nothing : pairs.map(([key, value]) => `${key}=${value}`).join(',');
}

export function indent(lines: readonly string[], by = '  '): string[] {
  return lines.map((line) => by + line);
}

/** A title and a table below it, as kubectl lays out conditions. */
export function section(title: string, header: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [`${title}:\t<none>`];
  const rule = header.map((word) => '-'.repeat(word.length));
  return [`${title}:`, ...[header, rule, ...rows].map((cells) => `  ${cells.join('\t')}`)];
}

export function ageText(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? '<unknown>' : humanDuration(now - at);
}
