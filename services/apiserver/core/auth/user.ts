// Decides who is asking: the users behind bus credentials and the well-known groups. Never checks a credential.
import { decodeToken } from '../../../../lib/base/ids.ts';

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const AUTHENTICATED = 'system:authenticated';
export const MASTERS = 'system:masters';

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export function authenticated(name: string, groups: readonly string[], more: Partial<User> = {}): User {
  return { ...more, name, groups: [...new Set([...groups, AUTHENTICATED])] };
}

export function serviceAccountUser(namespace: string, name: string, more: Partial<User> = {}): User {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return authenticated(`system:serviceaccount:${namespace}:${name}`, groups, more);
}

/** The node of a kubelet's user, or undefined. */
export function nodeOf(user: User): string | undefined {
  if (!user.groups.includes('system:nodes') || !user.name.startsWith('system:node:')) return undefined;
  return user.name.slice('system:node:'.length);
}

/** First matching prefix wins. `dns-1` is an instance of `dns`; a kubelet's rest is its node. */
const BUS_USERS: ReadonlyArray<[prefix: string, user: (rest: string) => User]> = [
  ['kubelet', (node) => authenticated(`system:node:${node}`, ['system:nodes'])],
  ['scheduler', () => authenticated('system:kube-scheduler', [])],
  ['controller-manager', () => authenticated('system:kube-controller-manager', [])],
  ['kube-proxy', () => authenticated('system:kube-proxy', ['system:node-proxier'])],
  ['dns', () => authenticated('system:dns', [])],
  ['dashboard', () => authenticated('system:dashboard', ['system:monitoring'])],
  ['operator', () => authenticated('system:operator', [MASTERS])],
];

/**
 * The user behind the `from` token of a request on the bus. The bus lets a credential publish only under its own token,
 * so the token is proof. Unknown actors are anonymous: they may do what anonymous may.
 */
export function busUser(token: string): User {
  const instance = decodeToken(token);
  for (const [prefix, user] of BUS_USERS) {
    if (instance === prefix) return user('');
    if (instance.startsWith(`${prefix}-`)) return user(instance.slice(prefix.length + 1));
  }
  return ANONYMOUS;
}
