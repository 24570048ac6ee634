// Decides which user the claims of a verified OpenID Connect token stand for. Never verifies a signature.
import type { OidcOptions } from '../../../../lib/api/oidc-options.ts';
import { authenticated, type User } from './user.ts';

/** Upstream's words where they name nobody. */
export function userOfOidc(claims: Readonly<Record<string, unknown>>, options: OidcOptions): User | string {
  for (const required of options.requiredClaims ?? []) {
    const [key = ''] = required.split('=', 1);
    const wanted = required.slice(key.length + 1);
    if (!(key in claims)) return `oidc: required claim ${key} not present in ID token`;
    if (claims[key] !== wanted)
      return `oidc: required claim ${key} value does not match. Got = ${String(claims[key])}, want = ${wanted}`;
  }
  const name = usernameOf(claims, options);
  if (typeof name !== 'string') return name.problem;
  const groups = groupsOf(claims, options);
  return typeof groups === 'string' ? groups : authenticated(name, groups);
}

function usernameOf(claims: Readonly<Record<string, unknown>>, options: OidcOptions): string | { problem: string } {
  const claim = options.usernameClaim ?? 'sub';
  const value = claims[claim];
  if (value === undefined)
    return { problem: `oidc: parse username claims ${JSON.stringify(claim)}: claim not present` };
  if (typeof value !== 'string' || value === '')
    return { problem: `oidc: parse username claims ${JSON.stringify(claim)}: it is no text` };
  // An address that its owner never confirmed is anybody's.
  if (claim === 'email' && 'email_verified' in claims && claims['email_verified'] !== true)
    return { problem: 'oidc: email not verified' };
  return prefixOf(claim, options) + value;
}

function prefixOf(claim: string, { issuerUrl, usernamePrefix }: OidcOptions): string {
  if (usernamePrefix === '-') return '';
  return usernamePrefix ?? (claim === 'email' ? '' : `${issuerUrl}#`);
}

/** A single text is a group too. */
function groupsOf(claims: Readonly<Record<string, unknown>>, options: OidcOptions): string[] | string {
  const { groupsClaim, groupsPrefix = '' } = options;
  const value = groupsClaim === undefined ? undefined : claims[groupsClaim];
  if (value === undefined || value === null) return [];
  const groups: unknown[] = Array.isArray(value) ? value : [value];
  if (!groups.every((group) => typeof group === 'string'))
    return `oidc: parse groups claim ${JSON.stringify(groupsClaim)}: it is neither a text nor a list of texts`;
  return groups.map((group) => groupsPrefix + group);
}
