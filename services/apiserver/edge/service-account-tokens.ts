// Does: signs ServiceAccount tokens (ES256) and verifies them, and publishes the key's public half. Never decides what a
// token says or whether its objects still exist.
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT, decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import type { LegacyClaims } from '../core/auth/legacy-tokens.ts';
import { ISSUER, type PrivateClaims, type TokenClaims } from '../core/auth/token-claims.ts';

export type VerifiedClaims = JWTPayload & LegacyClaims & { 'kubernetes.io'?: PrivateClaims };

/** Of tokens that Secrets hold. */
const LEGACY_ISSUER = 'kubernetes/serviceaccount';

/** `audiences`: for which of those asked for it is meant. */
export type Verified = { claims: VerifiedClaims; audiences: string[] } | { problem: string };

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

  /** A token for a Secret: no end, no audience. */
  signLegacy(claims: LegacyClaims & { sub: string }): Promise<string> {
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.#keyId })
      .setIssuer(LEGACY_ISSUER)
      .sign(this.#private);
  }

  /** Undefined: it is not one of ours. */
  async verify(token: string, now: number, audiences: readonly string[] = [ISSUER]): Promise<Verified | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    const claims = this.#known.get(key) ?? (await this.#verifySignature(token, now));
    if (claims === undefined) return undefined;
    const isLegacy = claims.iss === LEGACY_ISSUER;
    if (!isLegacy && (claims.exp ?? 0) * 1000 <= now) return { problem: 'service account token has expired' };
    this.#remember(key, claims);
    const own = isLegacy ? [ISSUER] : [claims.aud ?? []].flat();
    const met = own.filter((audience) => audiences.includes(audience));
    if (met.length > 0) return { claims, audiences: met };
    return { problem: `token audiences ${printed(own)} is invalid for the target audiences ${printed(audiences)}` };
  }

  /** For `/openid/v1/jwks`. */
  get jwks(): object {
    return { keys: [{ ...this.#public.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: this.#keyId }] };
  }

  async #verifySignature(token: string, now: number): Promise<VerifiedClaims | undefined> {
    try {
      // Cheap first: most bearer tokens that are not ours are not even JWTs.
      const { iss, exp } = decodeJwt(token);
      if (iss !== ISSUER && iss !== LEGACY_ISSUER) return undefined;
      // Whether it has expired is asked, and told, by whom it is shown to.
      const at = exp === undefined ? now : Math.min(now, exp * 1000 - 1);
      const options = { issuer: iss, algorithms: ['ES256'], currentDate: new Date(at), clockTolerance: 10 };
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

/** As Go prints a list of texts with %q. */
function printed(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;
}
