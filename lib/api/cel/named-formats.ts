// Decides which formats an expression may name (`format.dns1123Label()`), and what they say of a text. Never knows what the text is
// for.
import { messageOf } from '../../base/errors.ts';
import { hasFormat } from '../custom/formats.ts';
import { dns1035Label, dns1123Label, dns1123Subdomain, labelValue, qualifiedName, type Format } from '../formats.ts';
import { urlOf } from './urls.ts';

/** `patternSize`: characters of its pattern, which is what asking it costs. */
export class CelFormat {
  readonly name: string;
  readonly problems: Format;
  readonly patternSize: number;
  constructor(name: string, problems: Format, patternSize: number) {
    this.name = name;
    this.problems = problems;
    this.patternSize = patternSize;
  }
}

/** More may follow a dash: it, and what is before it, are replaced. */
const prefixOf =
  (whole: Format): Format =>
  (text) =>
    whole(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);

const ofSchemas =
  (name: string, told: string): Format =>
  (text) =>
    hasFormat(name, text) ? [] : [told];

/** As Go's URL of a request: absolute, or a path. */
const uri: Format = (text) => {
  try {
    urlOf(text);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
};

export const NAMED_FORMATS: ReadonlyMap<string, CelFormat> = new Map(
  (
    [
      ['dns1123Label', dns1123Label, 30],
      ['dns1123Subdomain', dns1123Subdomain, 60],
      ['dns1035Label', dns1035Label, 30],
      ['qualifiedName', qualifiedName, 60],
      ['dns1123LabelPrefix', prefixOf(dns1123Label), 30],
      ['dns1123SubdomainPrefix', prefixOf(dns1123Subdomain), 60],
      ['dns1035LabelPrefix', prefixOf(dns1035Label), 30],
      ['labelValue', labelValue, 40],
      ['uri', uri, 1103],
      ['uuid', ofSchemas('uuid', 'does not match the UUID format'), 73],
      ['byte', ofSchemas('byte', 'invalid base64'), 84],
      ['date', ofSchemas('date', 'invalid date'), 74],
      ['datetime', ofSchemas('datetime', 'invalid datetime'), 74],
    ] as Array<[string, Format, number]>
  ).map(([name, problems, size]) => [name, new CelFormat(name, problems, size)]),
);
