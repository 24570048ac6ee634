// Does: signs ServiceAccount tokens (ES256) and verifies them, and publishes the key's public half. Never decides what a
// token says or whether its objects still exist.
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT, decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import { ISSUER, type PrivateClaims, type TokenClaims } from '../core/auth/token-claims.ts';

export type VerifiedClaims = JWTPayload & { 'kubernetes.io'?: PrivateClaims };

/** Verified tokens by their hash: a signature costs 140 µs, and kubelets' pods ask often. Expiry is checked each time. */
const REMEMBERED = 2_000;

export class ServiceAccountTokens {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #keyId: string;
  readonly #known = new Map<string, VerifiedClaims>();

  constructor(keyFile: string) {
    this.#private = createPrivateKey(readFileSync(keyFile));
    this.#public = createPublicKey(this.#private);
    this.#keyId = createHash('sha256')
      .update(this.#public.export({ type: 'spki', format: 'der' }))
      .digest('base64url');
  }

  sign(claims: TokenClaims): Promise<string> {
    const { sub, aud, iat, nbf, exp, jti } = claims;
    return new SignJWT({ 'kubernetes.io': claims['kubernetes.io'] })
      .setProtectedHeader({ alg: 'ES256', kid: this.#keyId })
      .setIssuer(ISSUER)
      .setSubject(sub)
      .setAudience(aud)
      .setIssuedAt(iat)
      .setNotBefore(nbf)
      .setExpirationTime(exp)
      .setJti(jti)
      .sign(this.#private);
  }

  /** The claims of a token of ours that is not expired and meant for one of these audiences; else undefined. */
  async verify(
    token: string,
    now: number,
    audiences: readonly string[] = [ISSUER],
  ): Promise<VerifiedClaims | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    const claims = this.#known.get(key) ?? (await this.#verifySignature(token, now));
    if (claims === undefined || (claims.exp ?? 0) * 1000 <= now) return undefined;
    this.#remember(key, claims);
    const own = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []);
    return own.some((audience) => audiences.includes(audience)) ? claims : undefined;
  }

  /** For `/openid/v1/jwks`. */
  get jwks(): object {
    return { keys: [{ ...this.#public.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: this.#keyId }] };
  }

  async #verifySignature(token: string, now: number): Promise<VerifiedClaims | undefined> {
    try {
      // Cheap first: most bearer tokens that are not ours are not even JWTs.
      if (decodeJwt(token).iss !== ISSUER) return undefined;
      const options = { issuer: ISSUER, algorithms: ['ES256'], currentDate: new Date(now), clockTolerance: 10 };
      return (await jwtVerify(token, this.#public, options)).payload as VerifiedClaims;
    } catch {
      return undefined;
    }
  }

  #remember(key: string, claims: VerifiedClaims): void {
    this.#known.delete(key);
    this.#known.set(key, claims);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }
}
