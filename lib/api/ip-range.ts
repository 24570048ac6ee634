// Decides whether an address is in a range of its own family. Never checks that text is one (formats.ts).
import { isIPv4 } from './formats.ts';

/** `containsIp('10.0.0.0/8', '10.1.2.3')`; false for text that is no address or no range. */
export function containsIp(cidr: string, ip: string): boolean {
  const [base = '', bits = ''] = cidr.split('/');
  const range = bitsOf(base);
  const address = bitsOf(ip);
  const length = Number(bits);
  return (
    range !== undefined &&
    range.length === address?.length &&
    range.slice(0, length).join('') === address.slice(0, length).join('')
  );
}

function bitsOf(ip: string): string[] | undefined {
  if (isIPv4(ip)) return binary(ip.split('.').map(Number), 8);
  if (!ip.includes(':')) return undefined;
  const [head = '', tail] = ip.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').flatMap(groupOf));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => 0);
  const all = tail === undefined ? first : [...first, ...zeros, ...last];
  return all.length === 8 ? binary(all, 16) : undefined;
}

/** The last group may be an IPv4 address: two groups. */
function groupOf(text: string): number[] {
  if (!isIPv4(text)) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

const binary = (numbers: readonly number[], size: number): string[] =>
  numbers.flatMap((number) => [...number.toString(2).padStart(size, '0')]);
