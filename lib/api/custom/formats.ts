// Decides which texts have a format that a schema may name. Never refuses a format that it does not know: that one holds for
// everything.
import { cidr, isIPv4, isIPv6 } from '../formats.ts';

const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

const FORMATS: Record<string, (text: string) => boolean> = {
  'date-time': (text) =>
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  datetime: (text) => !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  duration: matches(/^([+-]?\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|h|d|w|[a-z]+))+$/),
  email: matches(/^[^\s@<>]{1,64}@[^\s@<>]{1,255}$/),
  hostname: matches(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: (text) => cidr(text).length === 0,
  mac: matches(/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i),
  uri: (text) => URL.canParse(text) || /^\/\S*$/.test(text),
  uuid: matches(UUID),
  uuid3: (text) => UUID.test(text),
  uuid4: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  uuid5: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  hexcolor: matches(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i),
};

export const hasFormat = (format: string, text: string): boolean => FORMATS[format]?.(text) ?? true;
