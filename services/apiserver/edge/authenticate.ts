// Does: finds out who sent an HTTPS request: a client certificate, a token, or nobody. Never decides what they may do,
// except whether they may speak as someone else.
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../../lib/base/errors.ts';
import { AccessDenied } from '../core/auth/attributes.ts';
import type { Access } from '../core/auth/access.ts';
import { impersonation, type Impersonation } from '../core/auth/impersonation.ts';
import { ISSUER, standingOf } from '../core/auth/token-claims.ts';
import { ANONYMOUS, authenticated, type User } from '../core/auth/user.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { LegacyTokenUses } from './legacy-token-uses.ts';
import type { OidcTokens } from './oidc-tokens.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import type { StaticTokens } from './static-tokens.ts';

export interface ClientCertificate {
  /** Signed by the CA of clients. */
  trusted: boolean;
  commonName: string;
  organizations: string[];
  credentialId: string;
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

export type Bearer = { user: User; audiences: string[] } | { problem: string };

export interface Identity {
  sender: User;
  /** As whom the request is made, where that is another. */
  user: User | undefined;
}

/** Learns what is found out on the way. */
export interface Told {
  annotate(key: string, value: string): void;
  warn(text: string): void;
}

export interface TokenSources {
  fromFile: StaticTokens;
  ofAccounts: ServiceAccountTokens;
  /** Learns which tokens of Secrets are used. */
  uses: LegacyTokenUses;
  oidc: OidcTokens | undefined;
}

export const WEBSOCKET_BEARER = 'base64url.bearer.authorization.k8s.io.';

export class Authenticator {
  readonly #static: StaticTokens;
  readonly #accounts: ServiceAccountTokens;
  readonly #view: ClusterCache;
  readonly #access: Access;
  readonly #uses: LegacyTokenUses;
  readonly #oidc: OidcTokens | undefined;

  constructor(view: ClusterCache, access: Access, tokens: TokenSources) {
    this.#view = view;
    this.#access = access;
    this.#static = tokens.fromFile;
    this.#accounts = tokens.ofAccounts;
    this.#uses = tokens.uses;
    this.#oidc = tokens.oidc;
  }

  /** Who asks, and as whom, where that is another. Throws 401 or 403; `told.sender` learns who asked before that. */
  async identify(credentials: Credentials, now: number, told: Told & { sender(user: User): void }): Promise<Identity> {
    const sender = this.#certified(credentials) ?? (await this.#real(credentials, now, told));
    told.sender(sender);
    return { sender, user: this.#impersonated(sender, credentials) };
  }

  /** The user of a bearer token, for which of the audiences it is meant, or why nobody's. */
  async presented(token: string, now: number, told: Told, audiences: readonly string[] = [ISSUER]): Promise<Bearer> {
    const ours = await this.#accounts.verify(token, now, audiences);
    if (ours !== undefined) {
      if ('problem' in ours) return ours;
      const { who, annotations = {}, warning, secret } = standingOf(this.#view, { token, claims: ours.claims }, now);
      for (const [key, value] of Object.entries(annotations)) told.annotate(key, value);
      if (warning !== undefined) told.warn(warning);
      if (secret !== undefined) void this.#uses.note(secret);
      return typeof who === 'string' ? { problem: who } : { user: who, audiences: ours.audiences };
    }
    // Others know nothing of audiences: theirs are for this API.
    if (!audiences.includes(ISSUER)) return { problem: 'invalid bearer token' };
    const user = this.#static.userOf(token) ?? (await this.#oidc?.userOf(token, now));
    return user === undefined ? { problem: 'invalid bearer token' } : { user, audiences: [ISSUER] };
  }

  /** Most requests: a certificate that was looked at before. */
  #certified({ certificate }: Credentials): User | undefined {
    return certificate === undefined ? undefined : CERTIFIED.get(certificate);
  }

  async #real({ certificate, headers, protocols = [] }: Credentials, now: number, told: Told): Promise<User> {
    // As upstream: a good certificate counts before any token, and a bad one only where there is no good token.
    if (certificate?.trusted === true && certificate.commonName !== '') return certified(certificate);
    const token = bearerOf(headers.authorization) ?? protocolToken(protocols);
    if (token !== undefined) {
      const bearer = await this.presented(token, now, told);
      if ('problem' in bearer) throw new ApiError('Unauthorized', 'Unauthorized');
      return bearer.user;
    }
    if (certificate !== undefined) throw new ApiError('Unauthorized', 'Unauthorized');
    return ANONYMOUS;
  }

  /** Throws 403 where the sender may not speak as whom it names. */
  #impersonated(sender: User, { headers, rawHeaders, uri = '' }: Credentials): User | undefined {
    if (!impersonates(headers)) return undefined;
    const wanted = impersonation(sender, headerPairs(headers, rawHeaders), uri);
    return wanted === undefined ? undefined : permitted(this.#access, wanted);
  }
}

/** Throws 403 where the sender may not speak as whom it names. */
export function permitted(access: Access, { user, asks }: Impersonation): User {
  for (const asked of asks) {
    const verdict = access.authorize(asked);
    if (verdict.allowed) continue;
    throw new AccessDenied(asked, verdict.reason);
  }
  return user;
}

/** One user a connection: what is known of it is known by it. */
const CERTIFIED = new WeakMap<ClientCertificate, User>();

function certified(certificate: ClientCertificate): User {
  let known = CERTIFIED.get(certificate);
  if (known === undefined) {
    const extra = { 'authentication.kubernetes.io/credential-id': [certificate.credentialId] };
    known = authenticated(certificate.commonName, certificate.organizations, { extra });
    CERTIFIED.set(certificate, known);
  }
  return known;
}

/** Speaks for another, or says so. */
export function impersonates(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
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

/** Anything else is nobody's, as is what comes after a second space. */
function bearerOf(authorization: string | undefined): string | undefined {
  const [scheme = '', token = ''] = (authorization ?? '').trim().split(' ');
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

function protocolToken(protocols: readonly string[]): string | undefined {
  const protocol = protocols.find((name) => name.startsWith(WEBSOCKET_BEARER));
  return protocol === undefined
    ? undefined
    : Buffer.from(protocol.slice(WEBSOCKET_BEARER.length), 'base64url').toString();
}
