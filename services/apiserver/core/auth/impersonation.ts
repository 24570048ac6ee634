// Decides as whom a request wants to be made, what its sender must be allowed for that, and who it is then. Never decides
// whether it is allowed.
import { BareError } from '../../../../lib/base/errors.ts';
import type { Attributes } from './attributes.ts';
import { ANONYMOUS, AUTHENTICATED, type User } from './user.ts';

export interface Impersonation {
  user: User;
  /** Each must be allowed. */
  asks: Attributes[];
}

const PREFIX = 'impersonate-';
const EXTRA_PREFIX = 'impersonate-extra-';
const GROUP = 'authentication.k8s.io';
/** As objects may be called; any other text is the name of a user. */
const ACCOUNT =
  /^system:serviceaccount:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/;
const UNAUTHENTICATED = ANONYMOUS.groups[0]!;

/** Undefined: it is made in the sender's own name. `headers` are [name, value], each as often as it was sent. */
export function impersonation(
  sender: User,
  headers: Iterable<[string, string]>,
  uri: string,
): Impersonation | undefined {
  const wanted = wantedOf(headers);
  if (wanted === undefined) return undefined;
  const { name, uid, groups, extra } = wanted;
  if (name === '') throw withoutUser(wanted, uri);
  const account = ACCOUNT.exec(name);
  const ask = (group: string, resource: string, target: string, more: Partial<Attributes> = {}): Attributes => ({
    user: sender,
    verb: 'impersonate',
    group,
    resource,
    subresource: '',
    namespace: '',
    name: target,
    ...more,
  });
  const asks = [
    account === null ? ask('', 'users', name) : ask('', 'serviceaccounts', account[2]!, { namespace: account[1]! }),
    ...groups.map((group) => ask('', 'groups', group)),
    ...extra.map(([key, value]) => ask(GROUP, 'userextras', value, { subresource: key })),
    ...(uid === '' ? [] : [ask(GROUP, 'uids', uid)]),
  ];
  const implied =
    account !== null && groups.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]!}`]
      : groups;
  const user = {
    name,
    groups: withEveryone(name, implied),
    ...(uid === '' ? {} : { uid }),
    ...(extra.length === 0 ? {} : { extra: grouped(extra) }),
  };
  return { user, asks };
}

interface Wanted {
  name: string;
  uid: string;
  groups: string[];
  extra: Array<[key: string, value: string]>;
}

function wantedOf(headers: Iterable<[string, string]>): Wanted | undefined {
  const wanted: Wanted = { name: '', uid: '', groups: [], extra: [] };
  for (const [header, value] of headers) {
    if (!header.startsWith(PREFIX)) continue;
    if (header === 'impersonate-user') wanted.name ||= value;
    else if (header === 'impersonate-uid') wanted.uid ||= value;
    else if (header === 'impersonate-group') wanted.groups.push(value);
    else if (header.startsWith(EXTRA_PREFIX)) wanted.extra.push([unescaped(header.slice(EXTRA_PREFIX.length)), value]);
  }
  const { name, uid, groups, extra } = wanted;
  return name === '' && uid === '' && groups.length + extra.length === 0 ? undefined : wanted;
}

/** One that is no percent-encoding is taken as it stands, as upstream does. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Everyone who is somebody is authenticated, unless it is said otherwise; the anonymous user is not. */
function withEveryone(name: string, groups: readonly string[]): string[] {
  if (name === ANONYMOUS.name) return groups.includes(UNAUTHENTICATED) ? [...groups] : [...groups, UNAUTHENTICATED];
  const isSaid = groups.includes(AUTHENTICATED) || groups.includes(UNAUTHENTICATED);
  return isSaid ? [...groups] : [...groups, AUTHENTICATED];
}

function grouped(extra: ReadonlyArray<[string, string]>): Record<string, string[]> {
  const all = new Map<string, string[]>();
  for (const [key, value] of extra) all.set(key, [...(all.get(key) ?? []), value]);
  return Object.fromEntries(all);
}

/** Upstream's words: what was asked for as Go prints references to objects. */
function withoutUser({ uid, groups, extra }: Wanted, uri: string): BareError {
  const references = [
    ...groups.map((group) => `{Group  ${group}    }`),
    ...extra.map(([key, value]) => `{UserExtra  ${value}  ${GROUP}/v1  ${key}}`),
    ...(uid === '' ? [] : [`{UID  ${uid}  ${GROUP}/v1  }`]),
  ];
  return new BareError(
    `Internal Server Error: ${JSON.stringify(uri)}: requested [${references.join(' ')}] without impersonating a user`,
  );
}
