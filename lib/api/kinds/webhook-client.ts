// Decides which address of a webhook is one: a URL over HTTPS, or a Service. Never calls it.
import { invalidValue, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain } from '../formats.ts';

const FORM = '; desired format: https://host[/path]';

/** `url` is the path of the field. */
export function validateWebhookUrl(text: string, path: string): FieldError[] {
  const url = parsed(text);
  if (typeof url === 'string') return [required(path, `url must be a valid URL: ${url}${FORM}`)];
  const errors: FieldError[] = [];
  const refuse = (value: string, why: string): void => void errors.push(invalidValue(path, value, why));
  if (url.scheme !== 'https') refuse(url.scheme, `'https' is the only allowed URL scheme${FORM}`);
  if (url.host === '') refuse('', `host must be specified${FORM}`);
  if (url.user !== undefined) refuse(url.user, 'user information is not permitted in the URL');
  if (url.fragment !== '') refuse(url.fragment, 'fragments are not permitted in the URL');
  if (url.query !== '') refuse(url.query, 'query parameters are not permitted in the URL');
  return errors;
}

interface Url {
  scheme: string;
  host: string;
  user: string | undefined;
  query: string;
  fragment: string;
}

const URL_PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#@]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

/** As Go's net/url takes it apart; a text says why it cannot. */
function parsed(text: string): Url | string {
  const refuse = (why: string): string => `parse ${JSON.stringify(text)}: ${why}`;
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) return refuse('net/url: invalid control character in URL');
  if (text.startsWith(':')) return refuse('missing protocol scheme');
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (escape !== null) return refuse(`invalid URL escape ${JSON.stringify(escape[0])}`);
  const [, scheme = '', user, host = '', query = '', fragment = ''] = URL_PARTS.exec(text) ?? [];
  if (scheme === '' && /^[^/?#]*:/.test(text) && !text.startsWith('//'))
    return refuse('first path segment in URL cannot contain colon');
  if (/[ <>"]/.test(host)) return refuse(`invalid character ${JSON.stringify(/[ <>"]/.exec(host)![0])} in host name`);
  const port = /:([^\]:]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port)) return refuse(`invalid port ${JSON.stringify(`:${port}`)} after host`);
  return { scheme: scheme.toLowerCase(), host, user, query, fragment };
}

interface Service {
  name?: string;
  namespace?: string;
  path?: string;
  port?: number;
}

export function validateWebhookService(service: Service, path: string): FieldError[] {
  const { name = '', namespace = '', port = 0 } = service;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(`${path}.name`, 'service name is required'));
  if (namespace === '') errors.push(required(`${path}.namespace`, 'service namespace is required'));
  if (port < 1 || port > 65_535)
    errors.push(invalidValue(`${path}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'));
  return [...errors, ...validatePath(service.path ?? '', `${path}.path`)];
}

function validatePath(text: string, path: string): FieldError[] {
  if (text === '' || text === '/') return [];
  const refuse = (why: string): FieldError => invalidValue(path, text, why);
  if (text === '//') return [refuse('segment[0] may not be empty')];
  const errors = text.startsWith('/') ? [] : [refuse("must start with a '/'")];
  for (const [i, segment] of text.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (segment === '') errors.push(refuse(`segment[${i}] may not be empty`));
    else errors.push(...dns1123Subdomain(segment).map((told) => refuse(`segment[${i}]: ${told}`)));
  }
  return errors;
}
