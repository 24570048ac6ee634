// Does: looks for the programs that a cluster needs and installs what is missing from apt, one package a step, saying
// so. Never installs anything that is already there, and nothing at all when told not to.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import { byPackage, missingText, type Missing, type Requirement } from '../core/requirements.ts';

export class InstallError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InstallError';
  }
}

export interface InstallEdges {
  exec: Exec;
  isRoot: boolean;
  /** Directories to look in, in order. */
  path: readonly string[];
  say(line: string): void;
}

const APT_MS = 600_000;
/** A mirror may break off, and a machine that is new may be updating itself. */
const PATIENT = ['-o', 'Acquire::Retries=5', '-o', 'DPkg::Lock::Timeout=300'];

/** Debian keeps daemons in directories that a user's PATH often leaves out. */
export function searchPath(path = process.env['PATH'] ?? ''): string[] {
  return (
    [...new Set([...path.split(':'), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])]
      // node_modules/.bin holds an `nft` that has nothing to do with nftables.
      .filter((directory) => directory.startsWith('/') && !directory.includes('/node_modules/'))
  );
}

export function findProgram(program: string, path: readonly string[]): string | undefined {
  return path.map((directory) => `${directory}/${program}`).find(isExecutable);
}

export function findMissing(requirements: readonly Requirement[], path: readonly string[]): Missing[] {
  return byPackage(
    requirements.filter(({ program, places }) => findProgram(program, [...(places ?? []), ...path]) === undefined),
  );
}

/** Afterwards everything is there; else one line says what is not, why, and what mends it. */
export async function install(
  requirements: readonly Requirement[],
  edges: InstallEdges,
  allowed: boolean,
): Promise<void> {
  const missing = findMissing(requirements, edges.path);
  if (missing.length === 0) return;
  const refuse = (reason: string): never => {
    throw new InstallError(missingText(missing, reason, edges.isRoot));
  };
  if (!allowed) refuse('--no-install was given');
  if (!edges.isRoot) refuse('only root can install');
  const apt = findProgram('apt-get', edges.path);
  if (apt === undefined) return refuse('this machine has no apt-get');
  await installEach(missing, apt, edges, refuse);
  const still = findMissing(requirements, edges.path);
  if (still.length > 0)
    throw new InstallError(missingText(still, 'apt-get installed it, but its programs are not found', true));
}

async function installEach(
  missing: readonly Missing[],
  apt: string,
  edges: InstallEdges,
  refuse: (reason: string) => never,
): Promise<void> {
  let updated = false;
  for (const { package: name, purpose } of missing) {
    edges.say(`installing ${name} (${purpose})`);
    let result = await aptGet(edges.exec, [apt, 'install', ...PATIENT, '-y', '--no-install-recommends', name]);
    if (result.exitCode !== 0 && !updated) {
      updated = true;
      edges.say('reading the package lists (apt-get update)');
      const update = await aptGet(edges.exec, [apt, 'update', ...PATIENT]);
      if (update.exitCode !== 0) refuse(lastLine(describeFailure(update)));
      result = await aptGet(edges.exec, [apt, 'install', ...PATIENT, '-y', '--no-install-recommends', name]);
    }
    if (result.exitCode !== 0) refuse(lastLine(describeFailure(result)));
  }
}

function aptGet(exec: Exec, argv: string[]) {
  return exec.run(argv, {
    timeoutMs: APT_MS,
    // RUNLEVEL=1: Debian's own way to say that a package's daemon must not be started at install.
    env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? text;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path) && statSync(path).isFile();
  } catch {
    return false;
  }
}
