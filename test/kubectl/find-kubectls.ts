// Does: finds the kubectl programs of this machine, one a minor version, newest first. Never installs one.
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from '../kit/cluster.ts';

export interface Kubectl {
  file: string;
  /** "v1.33.1" */
  version: string;
  /** 33 */
  minor: number;
}

/** Folders where distributions and cloud tools put kubectl without putting it on the PATH. */
const KNOWN_FOLDERS = ['/usr/lib/google-cloud-sdk/bin', '/usr/local/bin', '/opt/homebrew/bin', '/snap/bin'];

/** kubectl itself, or kubectl with its version in its name. */
const NAME = /^kubectl([.-]?v?1\.\d+(\.\d+)?)?$/;

/** All versions, newest first; of several programs of one minor version the one with the newest patch. */
export async function findKubectls(folders: readonly string[] = searchPath()): Promise<Kubectl[]> {
  const byMinor = new Map<number, Kubectl>();
  const found = await Promise.all(programs(folders).map(ask));
  for (const kubectl of found) {
    if (kubectl === undefined) continue;
    const known = byMinor.get(kubectl.minor);
    if (known === undefined || patchOf(known) < patchOf(kubectl)) byMinor.set(kubectl.minor, kubectl);
  }
  return [...byMinor.values()].sort((a, b) => b.minor - a.minor);
}

const patchOf = (kubectl: Kubectl): number => Number(/^v1\.\d+\.(\d+)/.exec(kubectl.version)?.[1] ?? 0);

const searchPath = (): string[] => [...(process.env['PATH'] ?? '').split(delimiter), ...KNOWN_FOLDERS];

function programs(folders: readonly string[]): string[] {
  const files = new Set<string>();
  for (const folder of new Set(folders))
    for (const name of namesIn(folder)) {
      const file = join(folder, name);
      if (NAME.test(name) && runs(file)) files.add(realpathSync(file));
    }
  return [...files];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A dispatcher runs another kubectl, chosen by the server's version: it has no wire of its own to test. */
async function ask(file: string): Promise<Kubectl | undefined> {
  const ran = await run([file, 'version', '--client', '-o', 'json']);
  const version = /"gitVersion": "(v1\.(\d+)\.[^"]*)"/.exec(ran.stdout);
  if (ran.code !== 0 || version === null || version[1]!.includes('dispatcher')) return undefined;
  return { file, version: version[1]!, minor: Number(version[2]) };
}
