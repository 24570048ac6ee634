// Does: finds out who sent an HTTPS request: a client certificate, a token, or nobody. Never decides what they may do,
// except whether they may speak as someone else.
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../../lib/base/errors.ts';
import { refusalText } from '../core/auth/attributes.ts';
import type { Access } from '../core/auth/access.ts';
import { impersonation } from '../core/auth/impersonation.ts';
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
  /** Names and values in turn, each as it was sent. */
  rawHeaders?: readonly string[];
  /** For the texts of errors. */
  uri?: string;
  /** Of a WebSocket: browsers cannot send headers, so the token may travel as a subprotocol. */
  protocols?: readonly string[];
}

export interface Identity {
  sender: User;
  /** As whom the request is made, where that is another. */
  user: User | undefined;
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
    const { sender, user } = await this.identify(credentials, now);
    return user ?? sender;
  }

  /** Who asks, and as whom, where that is another. Throws 401 or 403; `known` learns who asked before that. */
  async identify(credentials: Credentials, now: number, known?: (sender: User) => void): Promise<Identity> {
    const sender = await this.#real(credentials, now);
    known?.(sender);
    return { sender, user: this.#impersonated(sender, credentials) };
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

  /** Throws 403 where the sender may not speak as whom it names. */
  #impersonated(sender: User, { headers, rawHeaders, uri = '' }: Credentials): User | undefined {
    const wanted = impersonation(sender, headerPairs(headers, rawHeaders), uri);
    if (wanted === undefined) return undefined;
    for (const asked of wanted.asks) {
      const verdict = this.#access.authorize(asked);
      if (verdict.allowed) continue;
      const { name, group, resource } = asked;
      const details = { name, ...(group === '' ? {} : { group }), kind: resource };
      throw new ApiError('Forbidden', refusalText(asked, verdict.reason), details);
    }
    return wanted.user;
  }
}

/** `headers` joins what was sent several times; only the raw ones tell a name with a comma from two names. */
function* headerPairs(headers: IncomingHttpHeaders, raw: readonly string[] | undefined): Generator<[string, string]> {
  if (raw === undefined) {
    for (const [name, value] of Object.entries(headers))
      for (const one of [value ?? []].flat()) yield [name.toLowerCase(), one];
    return;
  }
  for (let i = 0; i + 1 < raw.length; i += 2) yield [raw[i]!.toLowerCase(), raw[i + 1]!];
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
