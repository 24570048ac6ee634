// Decides which texts are names, labels, ports, addresses and so on: each format of validation.md once, with the exact
// text that a wrong one is told. Never knows which field has which format.
import { addressNumber } from '../base/ipv4.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SEARCH_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const PERCENT = '[0-9]+%';
const HTTP_HEADER = '[-A-Za-z0-9]+';

/** A check gives the texts of what is wrong; none when all is well. */
export type Format = (text: string) => string[];

function regexText(text: string, regex: string, ...examples: string[]): string {
  if (examples.length === 0) return `${text} (regex used for validation is '${regex}')`;
  const told = examples.map((example) => `'${example}', `).join(' or ');
  return `${text} (e.g. ${told}regex used for validation is '${regex}')`;
}

const whole = (regex: string): RegExp => new RegExp(`^(?:${regex})$`);
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
/** Whether texts have more bytes together. UTF-8 has at most three for a unit: only what may be too long is encoded. */
export function longerThan(texts: readonly string[], bytes: number): boolean {
  let units = 0;
  for (const text of texts) units += text.length;
  return units * 3 > bytes && texts.reduce((sum, text) => sum + bytesOf(text), 0) > bytes;
}

const noLonger = (text: string, bytes: number): string[] =>
  text.length * 3 <= bytes || bytesOf(text) <= bytes ? [] : [`must be no more than ${bytes} characters`];

function regexFormat(regex: string, most: number, text: string, ...examples: string[]): Format {
  const compiled = whole(regex);
  const told = regexText(text, regex, ...examples);
  return (value) => {
    const problems = noLonger(value, most);
    if (!compiled.test(value)) problems.push(told);
    return problems;
  };
}

const labelFormat = regexFormat(
  LABEL,
  63,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
);
/** Of what would be a label but for its dots only that is told. */
export const dns1123Label: Format = (text) => {
  const problems = labelFormat(text);
  return problems.length > 0 && subdomain.test(text) ? [...problems.slice(0, -1), 'must not contain dots'] : problems;
};
export const dns1123Subdomain = regexFormat(
  SUBDOMAIN,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);
const search = whole(`${SEARCH_LABEL}(\\.${SEARCH_LABEL})*`);
/** Search domains of a resolver: underscores too, though the text names the expression without them. */
export const searchDomain: Format = (text) => [
  ...noLonger(text, 253),
  ...(search.test(text)
    ? []
    : [
        regexText(
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
          SUBDOMAIN,
          'example.com',
        ),
      ]),
];
export const dns1035Label = regexFormat(
  LABEL_1035,
  63,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  'my-name',
  'abc-123',
);
export const labelValue = regexFormat(
  LABEL_VALUE,
  63,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyValue',
  'my_value',
  '12345',
);
export const httpHeaderName = regexFormat(
  HTTP_HEADER,
  1024,
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);
export const percent = regexFormat(
  PERCENT,
  253,
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
);

const qualifiedText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const namePart = whole(QUALIFIED);
const subdomain = whole(SUBDOMAIN);

/** `[prefix/]name`, the key of labels, annotations, taints, finalizers. */
export const qualifiedName: Format = (text) => {
  const parts = text.split('/');
  const examples = ['MyName', 'my.name', '123-abc'];
  if (parts.length > 2) {
    const told = regexText(`a qualified name ${qualifiedText}`, QUALIFIED, ...examples);
    return [`${told} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1)!;
  const problems: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...dns1123Subdomain(prefix).map((told) => `prefix part ${told}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else problems.push(...noLonger(name, 63).map((told) => `name part ${told}`));
  if (!namePart.test(name)) problems.push(regexText(`name part ${qualifiedText}`, QUALIFIED, ...examples));
  return problems;
};

const configKeyFormat = regexFormat(
  CONFIG_KEY,
  253,
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);
/** Keys of ConfigMaps and Secrets. */
export const configKey: Format = (text) => {
  const problems = configKeyFormat(text);
  if (text === '.') problems.push("must not be '.'");
  else if (text === '..') problems.push("must not be '..'");
  else if (text.startsWith('..')) problems.push("must not start with '..'");
  return problems;
};

export const envName: Format = (text) =>
  /^[ -<>-~]+$/.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

export const portName: Format = (text) => {
  const problems: string[] = [];
  if (text.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(text))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) problems.push('must contain at least one letter (a-z)');
  if (text.includes('--')) problems.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
};

/** Names of RBAC objects: anything that can stand in a URL. */
export const pathSegment: Format = (text) => {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((char) => text.includes(char)).map((char) => `may not contain '${char}'`);
};

const inRange =
  (low: number, high: number) =>
  (value: number): string[] =>
    Number.isInteger(value) && value >= low && value <= high ? [] : [`must be between ${low} and ${high}, inclusive`];
export const portNumber = inRange(1, 65_535);
export const userId = inRange(0, 2_147_483_647);

export const isSubdomain = (text: string): boolean => text.length <= 253 && subdomain.test(text);

/** IPv4 in dotted decimal, no leading zeros. */
export function isIPv4(text: string): boolean {
  return addressNumber(text) !== undefined;
}

export function isIPv6(text: string): boolean {
  if (!text.includes(':') || /[^0-9a-fA-F:.]/.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  let length = groups.length;
  const last = groups.at(-1);
  if (last?.includes('.') === true) {
    if (!isIPv4(last)) return false;
    groups.pop();
    length += 1;
  }
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? length < 8 : length === 8;
}

export const ipAddress: Format = (text) =>
  isIPv4(text) || isIPv6(text) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];

export const cidr: Format = (text) => {
  const slash = text.indexOf('/');
  const address = text.slice(0, Math.max(slash, 0));
  const bits = text.slice(slash + 1);
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return slash > 0 && /^(0|[1-9]\d*)$/.test(bits) && Number(bits) <= most
    ? []
    : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
};

/**
 * What an address may not be at which others are to find something; the address itself is valid. Upstream refuses loopback, too:
 * there, the pods of hollow nodes and the API of a cluster on one machine are found.
 */
export const endpointIp: Format = (text) => {
  const problems: string[] = [];
  if (text === '0.0.0.0' || /^[0:]+$/.test(text)) problems.push(`may not be unspecified (${text})`);
  if (text.startsWith('169.254.') || /^fe[89ab]/i.test(text))
    problems.push('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (text.startsWith('224.0.0.') || /^ff02:/i.test(text))
    problems.push('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  return problems;
};
