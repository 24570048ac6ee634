// Does: finds out who sent an HTTPS request: a client certificate, a token, or nobody. Never decides what they may do,
// except whether they may speak as someone else.
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../../lib/base/errors.ts';
import { refusalText, type Attributes } from '../core/auth/attributes.ts';
import type { Access } from '../core/auth/access.ts';
import { userOfClaims } from '../core/auth/token-claims.ts';
import { ANONYMOUS, authenticated, type User } from '../core/auth/user.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import type { StaticTokens } from './static-tokens.ts';

export interface ClientCertificate {
  /** Signed by the CA of clients. */
  trusted: boolean;
  commonName: string;
  organizations: string[];
}

export interface Credentials {
  certificate: ClientCertificate | undefined;
  headers: IncomingHttpHeaders;
  /** Of a WebSocket: browsers cannot send headers, so the token may travel as a subprotocol. */
  protocols?: readonly string[];
}

const WEBSOCKET_BEARER = 'base64url.bearer.authorization.k8s.io.';

export class Authenticator {
  readonly #static: StaticTokens;
  readonly #accounts: ServiceAccountTokens;
  readonly #view: ClusterCache;
  readonly #access: Access;

  constructor(staticTokens: StaticTokens, accounts: ServiceAccountTokens, view: ClusterCache, access: Access) {
    this.#static = staticTokens;
    this.#accounts = accounts;
    this.#view = view;
    this.#access = access;
  }

  /** Throws 401 for credentials that are wrong; none at all is the anonymous user. */
  async authenticate(credentials: Credentials, now: number): Promise<User> {
    const user = await this.#real(credentials, now);
    return this.#impersonated(user, credentials.headers);
  }

  /** The user of a bearer token, or undefined. */
  async userOfToken(token: string, now: number, audiences?: readonly string[]): Promise<User | undefined> {
    const known = this.#static.userOf(token);
    if (known !== undefined) return known;
    const claims = await this.#accounts.verify(token, now, audiences);
    const user = claims === undefined ? undefined : userOfClaims(this.#view, claims);
    return typeof user === 'string' ? undefined : user;
  }

  async #real({ certificate, headers, protocols = [] }: Credentials, now: number): Promise<User> {
    const token = bearerOf(headers.authorization) ?? protocolToken(protocols);
    if (token !== undefined) {
      const user = await this.userOfToken(token, now);
      if (user === undefined) throw new ApiError('Unauthorized', 'Unauthorized');
      return user;
    }
    if (headers.authorization !== undefined) throw new ApiError('Unauthorized', 'Unauthorized');
    if (certificate === undefined) return ANONYMOUS;
    if (!certificate.trusted || certificate.commonName === '') throw new ApiError('Unauthorized', 'Unauthorized');
    return authenticated(certificate.commonName, certificate.organizations);
  }

  #impersonated(user: User, headers: IncomingHttpHeaders): User {
    const name = headers['impersonate-user'];
    if (name === undefined) {
      if (Object.keys(headers).some((header) => header.startsWith('impersonate-')))
        throw new ApiError(
          'BadRequest',
          'impersonating a group, uid or extra without Impersonate-User is not possible',
        );
      return user;
    }
    const wanted = String(name);
    const groups = listOf(headers['impersonate-group']);
    const uid = headers['impersonate-uid'];
    this.#mayImpersonate(user, '', ...userResource(wanted));
    for (const group of groups) this.#mayImpersonate(user, '', 'groups', '', group);
    if (uid !== undefined) this.#mayImpersonate(user, 'authentication.k8s.io', 'uids', '', String(uid));
    const extra: Record<string, string[]> = {};
    for (const [header, value] of Object.entries(headers)) {
      if (!header.startsWith('impersonate-extra-')) continue;
      const key = decodeURIComponent(header.slice('impersonate-extra-'.length));
      extra[key] = listOf(value);
      for (const one of extra[key]) this.#mayImpersonate(user, 'authentication.k8s.io', 'userextras', key, one);
    }
    const [resource, namespace] = userResource(wanted);
    const implied =
      resource === 'serviceaccounts' && groups.length === 0
        ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
        : [];
    return authenticated(wanted, [...groups, ...implied], {
      ...(uid === undefined ? {} : { uid: String(uid) }),
      extra,
    });
  }

  #mayImpersonate(user: User, group: string, resource: string, scope: string, name: string): void {
    const isAccount = resource === 'serviceaccounts';
    const asked: Attributes = {
      user,
      verb: 'impersonate',
      group,
      resource,
      subresource: resource === 'userextras' ? scope : '',
      namespace: isAccount ? scope : '',
      name,
    };
    const verdict = this.#access.authorize(asked);
    if (!verdict.allowed) throw new ApiError('Forbidden', refusalText(asked, verdict.reason), { name, kind: resource });
  }
}

/** Which resource stands for a user of this name: [resource, namespace, name]. */
function userResource(user: string): [resource: string, namespace: string, name: string] {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  return match === null ? ['users', '', user] : ['serviceaccounts', match[1]!, match[2]!];
}

function bearerOf(authorization: string | undefined): string | undefined {
  const match = /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? '');
  return match?.[1];
}

function protocolToken(protocols: readonly string[]): string | undefined {
  const protocol = protocols.find((name) => name.startsWith(WEBSOCKET_BEARER));
  return protocol === undefined
    ? undefined
    : Buffer.from(protocol.slice(WEBSOCKET_BEARER.length), 'base64url').toString();
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : value.split(',')).map((part) => part.trim()).filter((part) => part !== '');
}
