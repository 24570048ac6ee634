// Decides which texts have a format that a schema may name. Never refuses a format that it does not know: that one holds for
// everything.
import { cidr, isIPv4, isIPv6 } from '../formats.ts';

const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

const isDate = (text: string): boolean => {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
};

/** The zone may be of any number of hours. */
function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.toLowerCase().split('t');
  const [, hour, minute, second] = /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/.exec(time) ?? [];
  return isDate(date) && hour !== undefined && hour <= '23' && minute! <= '59' && second! <= '59';
}

const GO_DURATION = /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/;
/** As in Scala: a number and a unit somewhere in the text; words may be longer. */
const UNIT =
  /\d+\s*(ns|nano\w*|us|µs|micro\w*|ms|milli\w*|s|sec\w*|m|min\w*|h|hr\w*|hour\w*|d|day\w*|w|wk\w*|week\w*)(?![a-zµ])/i;
const isDuration = (text: string): boolean => GO_DURATION.test(text) || UNIT.test(text);

const HOSTNAME =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.))+([a-zA-Z\p{L}]){2,63})$/u;
const isHostname = (text: string): boolean =>
  text.length <= 255 && text.split('.').every((label) => label.length <= 63) && HOSTNAME.test(text);

const MAC_BYTES = new Set([6, 8, 20]);
function isMac(text: string): boolean {
  if (/^[0-9a-f]{4}(\.[0-9a-f]{4})+$/i.test(text)) return MAC_BYTES.has(text.split('.').length * 2);
  return /^[0-9a-f]{2}(([:-])[0-9a-f]{2})(\2[0-9a-f]{2})*$/i.test(text) && MAC_BYTES.has(text.split(/[:-]/).length);
}

const CREDIT_CARD =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

/** Luhn's check digit. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]/g, '');
  if (!CREDIT_CARD.test(digits)) return false;
  const sum = [...digits].toReversed().reduce((total, digit, i) => {
    const twice = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (twice > 9 ? twice - 9 : twice);
  }, 0);
  return sum % 10 === 0;
}

/** The last digit checks the others; X is ten. */
function isIsbn(text: string, length: 10 | 13): boolean {
  const digits = text.replace(/[\s-]+/g, '');
  if (!(length === 10 ? /^\d{9}[\dX]$/ : /^\d{13}$/).test(digits)) return false;
  const weight = (i: number): number => (length === 10 ? 10 - i : i % 2 === 0 ? 1 : 3);
  const sum = [...digits].reduce((total, digit, i) => total + (digit === 'X' ? 10 : Number(digit)) * weight(i), 0);
  return sum % (length === 10 ? 11 : 10) === 0;
}

function isRgbColor(text: string): boolean {
  const parts =
    /^rgb\(([^)]*)\)$/
      .exec(text)?.[1]
      ?.split(',')
      .map((part) => part.trim()) ?? [];
  return parts.length === 3 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

const FORMATS: Record<string, (text: string) => boolean> = {
  datetime: isDateTime,
  date: isDate,
  duration: isDuration,
  email: matches(/^(?:[^<>@]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/),
  hostname: isHostname,
  ipv4: (text) => isIPv4(text.replace(/(^|\.)0+(?=\d)/g, '$1')),
  ipv6: isIPv6,
  cidr: (text) => cidr(text).length === 0,
  mac: isMac,
  uri: (text) => URL.canParse(text) || /^\/\S*$/.test(text),
  uuid: matches(UUID),
  uuid3: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i),
  uuid4: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  uuid5: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$/),
  isbn: (text) => isIsbn(text, 10) || isIsbn(text, 13),
  isbn10: (text) => isIsbn(text, 10),
  isbn13: (text) => isIsbn(text, 13),
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i),
  rgbcolor: isRgbColor,
  bsonobjectid: matches(/^[0-9a-f]{24}$/i),
};

/** Dashes in its name do not count. */
export const hasFormat = (format: string, text: string): boolean => FORMATS[format.replaceAll('-', '')]?.(text) ?? true;
