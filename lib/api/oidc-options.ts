// Decides what must be told of an OpenID Connect provider whose tokens are believed, in the words of kube-apiserver's
// --oidc-* options. Never asks the provider.

export interface OidcOptions {
  /** https, as in the `iss` claim. */
  issuerUrl: string;
  clientId: string;
  /** Absent: `sub`. */
  usernameClaim?: string;
  /** Absent: the issuer and `#`, unless the claim is `email`; `-`: none. */
  usernamePrefix?: string;
  groupsClaim?: string;
  groupsPrefix?: string;
  /** `key=value` each: a token without is not believed. */
  requiredClaims?: string[];
  /** PEM; absent: what the machine trusts. */
  caFile?: string;
  /** Absent: RS256. */
  signingAlgs?: string[];
}

const SIGNING_ALGS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];

/** Why these options cannot be, with the option and its value; undefined: they can. */
export function oidcProblem(options: Partial<OidcOptions>): string | undefined {
  const { issuerUrl, clientId, requiredClaims = [], signingAlgs = [] } = options;
  if (issuerUrl === undefined || issuerUrl === '')
    return '--oidc-issuer-url: it must be given where any other --oidc option is';
  let url: URL;
  try {
    url = new URL(issuerUrl);
  } catch {
    return `--oidc-issuer-url ${issuerUrl}: it is no URL`;
  }
  if (url.protocol !== 'https:')
    return `--oidc-issuer-url ${issuerUrl}: it has invalid scheme (${url.protocol.slice(0, -1)}), require 'https'`;
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    return `--oidc-issuer-url ${issuerUrl}: it must have no query, fragment or user`;
  if (clientId === undefined || clientId === '')
    return '--oidc-client-id: it must be given: the audience that tokens are for';
  const wrongClaim = requiredClaims.find((claim) => !/^[^=]+=/.test(claim));
  if (wrongClaim !== undefined) return `--oidc-required-claim ${wrongClaim}: it must be key=value`;
  const wrongAlg = signingAlgs.find((alg) => !SIGNING_ALGS.includes(alg));
  if (wrongAlg !== undefined) return `--oidc-signing-algs ${wrongAlg}: it must be one of ${SIGNING_ALGS.join(', ')}`;
  return undefined;
}
