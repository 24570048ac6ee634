// Does: keeps one nkey seed an actor instance, the token file and the kubeconfig. Never shows a secret to the terminal.
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { createNkey, nkeyFromSeed } from '../../lib/bus/nkeys.ts';
import type { Identity } from '../../lib/bus/subjects.ts';
import type { Home } from '../core/home.ts';
import { readIfThere, writeFileAtomic, writeIfChanged } from './files.ts';

/** Seeds made where there is none; the public half of each, for the server's configuration. */
export function ensureNkeys(home: Home, identities: readonly Identity[]): Array<{ who: Identity; publicKey: string }> {
  return identities.map((who) => {
    const path = home.seedFile(who.instance);
    const stored = readIfThere(path);
    const key = stored === undefined ? createNkey() : nkeyFromSeed(stored);
    if (stored === undefined) writeFileAtomic(path, key.seed);
    return { who, publicKey: key.publicKey };
  });
}

/** One token for scripts that cannot use certificates; the owner may add lines: they are kept. */
export function ensureTokens(home: Home): void {
  if (readIfThere(home.tokens) !== undefined) return;
  writeFileAtomic(home.tokens, `${randomBytes(24).toString('base64url')},admin-token,admin-token,"system:masters"\n`);
}

/** A kubeconfig with everything inside it, so that it can be copied. */
export function writeKubeconfig(home: Home, cluster: string, server: string): void {
  const base64 = (path: string): string => Buffer.from(readIfThere(path) ?? '').toString('base64');
  const name = `flotilla-${cluster}`;
  writeIfChanged(
    home.kubeconfig,
    stringify(
      {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(home.caFile) } }],
        users: [
          {
            name: `${name}-admin`,
            user: {
              'client-certificate-data': base64(home.certFile('admin')),
              'client-key-data': base64(home.keyFile('admin')),
            },
          },
        ],
        contexts: [{ name, context: { cluster: name, user: `${name}-admin` } }],
        'current-context': name,
      },
      { lineWidth: 0 },
    ),
  );
}
