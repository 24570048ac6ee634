// Does: finds the kubectls of this machine, one a version. Never fetches one.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './cluster.ts';

export interface Kubectl {
  path: string;
  /** `1.33` */
  version: string;
  minor: number;
}

/** Directories that hold kubectls of several versions, besides those of PATH; more in FLOTILLA_KUBECTLS (`:` between). */
const DIRECTORIES = ['/usr/lib/google-cloud-sdk/bin'];

/** Oldest first; the first one found of a version stands for it. */
export async function findKubectls(): Promise<Kubectl[]> {
  const directories = [
    ...(process.env['FLOTILLA_KUBECTLS'] ?? '').split(':'),
    ...(process.env['PATH'] ?? '').split(':'),
    ...DIRECTORIES,
  ];
  const files = new Set(
    directories
      .filter((directory) => directory !== '' && existsSync(directory))
      .flatMap((directory) =>
        readdirSync(directory)
          .filter((name) => /^kubectl([.-]v?[\d.]+)?$/.test(name))
          .map((name) => join(directory, name)),
      ),
  );
  const asked = await Promise.all([...files].map(versionOf));
  const found = new Map<string, Kubectl>();
  for (const kubectl of asked)
    if (kubectl !== undefined && !found.has(kubectl.version)) found.set(kubectl.version, kubectl);
  return [...found.values()].toSorted((a, b) => a.minor - b.minor);
}

async function versionOf(path: string): Promise<Kubectl | undefined> {
  const { stdout } = await run([path, 'version', '--client', '--output=json'], { timeoutMs: 30_000 });
  const minor = /"gitVersion": *"v1\.(\d+)\./.exec(stdout)?.[1];
  return minor === undefined ? undefined : { path, version: `1.${minor}`, minor: Number(minor) };
}
