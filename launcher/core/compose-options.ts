// Decides what the environment of docker-compose asks of the API besides its place: an audit log, an OpenID Connect provider.
// Empty is as good as not there, and what is not there is not wanted. Never reads a file.
import type { OidcOptions } from '../../lib/api/oidc-options.ts';
import type { ClusterOptions } from './cluster.ts';
import type { Home } from './home.ts';

export interface ComposeAsked {
  env: Readonly<Record<string, string | undefined>>;
  /** Which of the two files was given: Compose mounts an empty one where none was. */
  hasAuditPolicy: boolean;
  hasOidcCa: boolean;
}

/** As the options of `flotilla up`; the files are where setup puts them. */
export function composeApiOptions(
  { env, hasAuditPolicy, hasOidcCa }: ComposeAsked,
  home: Home,
): Pick<ClusterOptions, 'auditPolicy' | 'auditLog' | 'oidc'> {
  const word = (name: string): string | undefined => {
    const value = env[name]?.trim();
    return value === '' ? undefined : value;
  };
  const words = (name: string): string[] | undefined => word(name)?.split(/\s*,\s*/);
  const oidc = {
    issuerUrl: word('FLOTILLA_OIDC_ISSUER_URL'),
    clientId: word('FLOTILLA_OIDC_CLIENT_ID'),
    usernameClaim: word('FLOTILLA_OIDC_USERNAME_CLAIM'),
    usernamePrefix: word('FLOTILLA_OIDC_USERNAME_PREFIX'),
    groupsClaim: word('FLOTILLA_OIDC_GROUPS_CLAIM'),
    groupsPrefix: word('FLOTILLA_OIDC_GROUPS_PREFIX'),
    requiredClaims: words('FLOTILLA_OIDC_REQUIRED_CLAIM'),
    caFile: hasOidcCa ? home.oidcCa : undefined,
    signingAlgs: words('FLOTILLA_OIDC_SIGNING_ALGS'),
  };
  const given = Object.entries(oidc).filter(([, value]) => value !== undefined);
  return {
    auditPolicy: hasAuditPolicy ? home.auditPolicy : 'off',
    auditLog: hasAuditPolicy ? word('FLOTILLA_AUDIT_LOG') : undefined,
    // Whether it is whole is asked with the other options.
    oidc: given.length === 0 ? undefined : (Object.fromEntries(given) as unknown as OidcOptions),
  };
}

/** A refusal of an option of `flotilla up`, in the words of who set a variable. */
export function inVariables(message: string): string {
  return message.replaceAll(/--((?:audit|oidc)[a-z-]*)/g, (_, name: string) =>
    name === 'oidc' ? 'FLOTILLA_OIDC' : `FLOTILLA_${name.toUpperCase().replaceAll('-', '_')}`,
  );
}
