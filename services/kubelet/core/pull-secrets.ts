// Decides which of a pod's pull secrets a registry is asked with. Never asks it.
import type { Secret } from '../../../lib/api/generated/types.ts';
import type { RegistryAuth } from '../../../runtime-shims/contract.ts';
import { textOfBase64 } from './environment.ts';

interface Login {
  username?: string;
  password?: string;
  auth?: string;
}

/** The first secret that knows the image's registry; undefined: ask as nobody. */
export function registryAuthOf(image: string, secrets: readonly Secret[]): RegistryAuth | undefined {
  const host = registryOf(image);
  for (const secret of secrets)
    for (const [registry, login] of Object.entries(loginsOf(secret))) {
      if (hostOf(registry) !== host) continue;
      const auth = authOf(login);
      if (auth !== undefined) return auth;
    }
  return undefined;
}

function registryOf(image: string): string {
  const first = image.split('/')[0]!;
  const isHost = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : 'docker.io';
}

/** `https://index.docker.io/v1/` is Docker Hub. */
function hostOf(registry: string): string {
  const host = registry.replace(/^https?:\/\//, '').split('/')[0]!;
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function loginsOf(secret: Secret): Record<string, Login> {
  const modern = secret.data?.['.dockerconfigjson'];
  const old = secret.data?.['.dockercfg'];
  try {
    if (modern !== undefined)
      return (JSON.parse(textOfBase64(modern)) as { auths?: Record<string, Login> }).auths ?? {};
    return old === undefined ? {} : (JSON.parse(textOfBase64(old)) as Record<string, Login>);
  } catch {
    return {};
  }
}

function authOf({ username, password, auth }: Login): RegistryAuth | undefined {
  if (username !== undefined && password !== undefined) return { username, password };
  if (auth === undefined) return undefined;
  try {
    const text = textOfBase64(auth);
    const at = text.indexOf(':');
    return at === -1 ? undefined : { username: text.slice(0, at), password: text.slice(at + 1) };
  } catch {
    return undefined;
  }
}
