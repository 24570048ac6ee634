// Does: verifies tokens of the configured OpenID Connect provider with the keys that it publishes, fetched when first needed
// and again when it signs with a new one. Never decides which user a token stands for.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createRemoteJWKSet, customFetch, decodeJwt, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { oidcProblem, type OidcOptions } from '../../../lib/api/oidc-options.ts';
import type { Clock } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import { userOfOidc } from '../core/auth/oidc-claims.ts';
import type { User } from '../core/auth/user.ts';

const FETCH_MS = 5_000;
const ANSWER_BYTES = 1_048_576;
/** A provider that did not answer is asked again after this. */
const AGAIN_MS = 5_000;
/** An unknown key makes the keys be fetched anew, but not more often than this. */
const COOLDOWN_MS = 1_000;
const REMEMBERED = 1_000;
const REMEMBERED_MS = 10_000;

export class OidcTokens {
  readonly #options: OidcOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ca: string | undefined;
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  readonly #known = new Map<string, { user: User; until: number }>();

  /** Throws where the options cannot be. The provider need not answer yet. */
  constructor(options: OidcOptions, clock: Clock, log: Log) {
    const problem = oidcProblem(options);
    if (problem !== undefined) throw new Error(problem);
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#ca = options.caFile === undefined ? undefined : readFileSync(options.caFile, 'utf8');
  }

  /** The user of a token of the provider; undefined: it is none, or not believed. */
  async userOf(token: string, now: number): Promise<User | undefined> {
    if (issuerOf(token) !== this.#options.issuerUrl) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined && known.until > now) return known.user;
    try {
      const { issuerUrl: issuer, clientId: audience, signingAlgs: algorithms = ['RS256'] } = this.#options;
      const keys = await this.#providerKeys();
      const verified = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        currentDate: new Date(now),
        requiredClaims: ['exp'],
      });
      const user = userOfOidc(verified.payload, this.#options);
      if (typeof user === 'string') throw new Error(user);
      this.#remember(key, user, Math.min(now + REMEMBERED_MS, verified.payload.exp! * 1000));
      return user;
    } catch (error) {
      this.#log.warn(
        { issuer: this.#options.issuerUrl, error: messageOf(error) },
        'an OpenID Connect token is refused',
      );
      return undefined;
    }
  }

  #remember(key: string, user: User, until: number): void {
    this.#known.delete(key);
    this.#known.set(key, { user, until });
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }

  #providerKeys(): Promise<JWTVerifyGetKey> {
    if (this.#keys !== undefined) return this.#keys;
    if (this.#clock.monotonic() - this.#failedAt < AGAIN_MS)
      return Promise.reject(new Error('the provider did not answer a moment ago; it is asked again soon'));
    const keys = this.#discover();
    this.#keys = keys;
    keys.catch(() => {
      this.#keys = undefined;
      this.#failedAt = this.#clock.monotonic();
    });
    return keys;
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const { issuerUrl } = this.#options;
    const url = `${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { status, text } = await get(url, this.#ca);
    if (status !== 200) throw new Error(`oidc: ${url} answers ${status}`);
    const told = JSON.parse(text) as { issuer?: unknown; jwks_uri?: unknown };
    if (told.issuer !== issuerUrl)
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuerUrl)} got ${JSON.stringify(told.issuer)}`,
      );
    if (typeof told.jwks_uri !== 'string' || !told.jwks_uri.startsWith('https://'))
      throw new Error(`oidc: ${url} names no jwks_uri over https`);
    return createRemoteJWKSet(new URL(told.jwks_uri), {
      cooldownDuration: COOLDOWN_MS,
      timeoutDuration: FETCH_MS,
      [customFetch]: async (asked: string | URL) => {
        const answer = await get(String(asked), this.#ca);
        return new Response(answer.text, { status: answer.status });
      },
    });
  }
}

/** Undefined: it is no JWT. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** Node's own fetch cannot be told which authority to trust. */
function get(url: string, ca: string | undefined): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(
      url,
      { agent: false, timeout: FETCH_MS, ...(ca === undefined ? {} : { ca }) },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES) response.destroy(new Error(`${url} answers more than ${ANSWER_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      },
    );
    asking.on('timeout', () => asking.destroy(new Error(`${url} did not answer within ${FETCH_MS / 1000} s`)));
    asking.on('error', reject);
    asking.end();
  });
}
