// Decides what a text says as an IP address or a block of them, in the words of Go's netip, and what the functions of Kubernetes ask
// of one. Never takes what an expression may not hold: zones, and IPv4 addresses that are mapped into IPv6.
import { messageOf } from '../../base/errors.ts';
import { quoted } from '../field-error.ts';

/** 4 bytes or 16. */
export class CelIp {
  readonly bytes: readonly number[];
  constructor(bytes: readonly number[]) {
    this.bytes = bytes;
  }
}

export class CelCidr {
  readonly ip: CelIp;
  readonly bits: number;
  constructor(ip: CelIp, bits: number) {
    this.ip = ip;
    this.bits = bits;
  }
}

const refuse = (message: string): never => {
  throw new Error(message);
};

/** `at`: what could not be read. */
const unreadable = (text: string, why: string, at = ''): never =>
  refuse(`ParseAddr(${quoted(text)}): ${why}${at === '' ? '' : ` (at ${quoted(at)})`}`);

const isDigit = (character: string): boolean => character >= '0' && character <= '9';

/** `part`: the end of `text`, or all of it. */
function fourBytes(text: string, part: string): number[] {
  const bytes: number[] = [];
  let digits = '';
  for (let i = 0; i < part.length; i++) {
    const character = part[i]!;
    if (isDigit(character)) {
      if (digits === '0') unreadable(text, 'IPv4 field has octet with leading zero');
      digits += character;
      if (Number(digits) > 255) unreadable(text, 'IPv4 field has value >255');
    } else if (character === '.') {
      if (digits === '' || i === part.length - 1)
        unreadable(text, 'IPv4 field must have at least one digit', part.slice(i));
      if (bytes.length === 3) unreadable(text, 'IPv4 address too long');
      bytes.push(Number(digits));
      digits = '';
    } else unreadable(text, 'unexpected character', part.slice(i));
  }
  if (bytes.length < 3) unreadable(text, 'IPv4 address too short');
  return [...bytes, Number(digits)];
}

/** One after the other: what is left is told when it is wrong. */
function sixteenBytes(text: string): number[] {
  let rest = text;
  let gap = -1;
  const bytes: number[] = [];
  if (rest.startsWith('::')) {
    gap = 0;
    rest = rest.slice(2);
  }
  while (bytes.length < 16 && rest !== '') {
    const digits = hexDigits(text, rest);
    if (rest[digits.length] === '.') {
      if (gap < 0 && bytes.length !== 12)
        unreadable(text, 'embedded IPv4 address must replace the final 2 fields of the address', rest);
      if (bytes.length > 12)
        unreadable(text, 'too many hex fields to fit an embedded IPv4 at the end of the address', rest);
      bytes.push(...fourBytes(text, rest));
      rest = '';
      break;
    }
    const field = Number.parseInt(digits, 16);
    bytes.push(field >> 8, field & 255);
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (!rest.startsWith(':')) unreadable(text, 'unexpected character, want colon', rest);
    if (rest === ':') unreadable(text, 'colon must be followed by more characters', rest);
    rest = rest.slice(1);
    if (!rest.startsWith(':')) continue;
    if (gap >= 0) unreadable(text, 'multiple :: in address', rest);
    gap = bytes.length;
    rest = rest.slice(1);
  }
  if (rest !== '') unreadable(text, 'trailing garbage after address', rest);
  return filled(text, bytes, gap);
}

function hexDigits(text: string, rest: string): string {
  const [digits] = /^[0-9a-fA-F]*/.exec(rest)!;
  if (digits === '') unreadable(text, 'each colon-separated field must have at least one digit', rest);
  if (digits.length > 4) unreadable(text, 'each group must have 4 or less digits', rest);
  return digits;
}

/** `gap`: where zeros are left out; below 0: nowhere. */
function filled(text: string, bytes: readonly number[], gap: number): number[] {
  if (bytes.length === 16 && gap >= 0) unreadable(text, 'the :: must expand to at least one field of zeros');
  if (bytes.length < 16 && gap < 0) unreadable(text, 'address string too short');
  const zeros = Array.from({ length: 16 - bytes.length }, () => 0);
  return gap < 0 ? [...bytes] : [...bytes.slice(0, gap), ...zeros, ...bytes.slice(gap)];
}

interface Parsed {
  bytes: number[];
  zone: string | undefined;
}

/** The first sign that says what it is decides. */
function parsed(text: string): Parsed {
  const [sign] = /[.:%]/.exec(text) ?? [];
  if (sign === undefined) return unreadable(text, 'unable to parse IP');
  if (sign === '%') return unreadable(text, 'missing IPv6 address');
  if (sign === '.') return { bytes: fourBytes(text, text), zone: undefined };
  const at = text.indexOf('%');
  if (at < 0) return { bytes: sixteenBytes(text), zone: undefined };
  const zone = text.slice(at + 1);
  if (zone === '') unreadable(text, 'zone must be a non-empty string');
  return { bytes: sixteenBytes(text.slice(0, at)), zone };
}

const isMapped = (bytes: readonly number[]): boolean =>
  bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;

/** Throws an error in the real server's words. */
export function ipOf(text: string): CelIp {
  let found: Parsed;
  try {
    found = parsed(text);
  } catch (error) {
    return refuse(`IP Address ${quoted(text)} parse error during conversion from string: ${messageOf(error)}`);
  }
  if (found.zone !== undefined) return refuse(`IP address ${quoted(text)} with zone value is not allowed`);
  if (isMapped(found.bytes)) return refuse(`IPv4-mapped IPv6 address ${quoted(text)} is not allowed`);
  return new CelIp(found.bytes);
}

const UNREAD = 'network address parse error during conversion from string: ';

/** Throws an error in the real server's words, which say it twice. */
export function cidrOf(text: string): CelCidr {
  let found: CelCidr;
  try {
    found = prefixOf(text);
  } catch (error) {
    return refuse(`${UNREAD}${UNREAD}netip.ParsePrefix(${quoted(text)}): ${messageOf(error)}`);
  }
  if (isMapped(found.ip.bytes)) return refuse(`${UNREAD}IPv4-mapped IPv6 address ${quoted(text)} is not allowed`);
  return found;
}

function prefixOf(text: string): CelCidr {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return refuse("no '/'");
  const { bytes, zone } = parsed(text.slice(0, slash));
  if (zone !== undefined) return refuse('IPv6 zones cannot be present in a prefix');
  const length = text.slice(slash + 1);
  if (!/^(\d|[1-9]\d{0,17})$/.test(length)) return refuse(`bad bits after slash: ${quoted(length)}`);
  const bits = Number(length);
  if (bits > bytes.length * 8) return refuse('prefix length out of range');
  return new CelCidr(new CelIp(bytes), bits);
}

/** In its canonical form: the longest run of zeros is left out. */
export function ipText({ bytes }: CelIp): string {
  if (bytes.length === 4) return bytes.join('.');
  const fields = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const { start, length } = longestRun(fields);
  const hex = (of: readonly number[]): string => of.map((field) => field.toString(16)).join(':');
  return length < 2 ? hex(fields) : `${hex(fields.slice(0, start))}::${hex(fields.slice(start + length))}`;
}

function longestRun(fields: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < fields.length; start++) {
    let end = start;
    while (fields[end] === 0) end++;
    if (end - start > longest.length) longest = { start, length: end - start };
  }
  return longest;
}

export const cidrText = ({ ip, bits }: CelCidr): string => `${ipText(ip)}/${bits}`;

export const equalIps = (one: CelIp, other: CelIp): boolean =>
  one.bytes.length === other.bytes.length && one.bytes.every((byte, i) => byte === other.bytes[i]);
export const equalCidrs = (one: CelCidr, other: CelCidr): boolean =>
  one.bits === other.bits && equalIps(one.ip, other.ip);

export const masked = ({ ip, bits }: CelCidr): CelCidr =>
  new CelCidr(new CelIp(ip.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))))), bits);

export const containsIp = (cidr: CelCidr, ip: CelIp): boolean =>
  cidr.ip.bytes.length === ip.bytes.length && equalIps(masked(cidr).ip, masked(new CelCidr(ip, cidr.bits)).ip);

export const containsCidr = (cidr: CelCidr, other: CelCidr): boolean =>
  cidr.bits <= other.bits && containsIp(cidr, other.ip);

const isAll = (bytes: readonly number[], byte: number): boolean => bytes.every((each) => each === byte);
const isIp4 = ({ bytes }: CelIp): boolean => bytes.length === 4;

export const isUnspecified = ({ bytes }: CelIp): boolean => isAll(bytes, 0);
export const isLoopback = (ip: CelIp): boolean =>
  isIp4(ip) ? ip.bytes[0] === 127 : isAll(ip.bytes.slice(0, 15), 0) && ip.bytes[15] === 1;
export const isLinkLocalUnicast = (ip: CelIp): boolean =>
  isIp4(ip) ? ip.bytes[0] === 169 && ip.bytes[1] === 254 : ip.bytes[0] === 0xfe && (ip.bytes[1]! & 0xc0) === 0x80;
export const isLinkLocalMulticast = (ip: CelIp): boolean =>
  isIp4(ip)
    ? ip.bytes[0] === 224 && ip.bytes[1] === 0 && ip.bytes[2] === 0
    : ip.bytes[0] === 0xff && (ip.bytes[1]! & 0x0f) === 0x02;
const isMulticast = (ip: CelIp): boolean => (isIp4(ip) ? (ip.bytes[0]! & 0xf0) === 0xe0 : ip.bytes[0] === 0xff);
const isBroadcast = (ip: CelIp): boolean => isIp4(ip) && isAll(ip.bytes, 255);
export const isGlobalUnicast = (ip: CelIp): boolean =>
  ![isUnspecified, isLoopback, isLinkLocalUnicast, isMulticast, isBroadcast].some((is) => is(ip));
