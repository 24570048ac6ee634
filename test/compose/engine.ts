// Does: finds a Docker Engine that answers, or installs Debian's and starts one of its own with everything below one
// directory; ends it and takes away what it leaves in the kernel. Never touches an Engine that was there before.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, must, run } from './shell.ts';

export interface Engine {
  /** For every call of docker and docker-compose. */
  env: Record<string, string>;
  isOurs: boolean;
  end(): Promise<void>;
}

const IPTABLES = '/usr/sbin/iptables';
/** A mirror may break off, and a machine that is new may be updating itself. */
export const PATIENT = ['-o', 'Acquire::Retries=5', '-o', 'DPkg::Lock::Timeout=300'];

export async function findEngine(directory: string, say: (line: string) => void): Promise<Engine> {
  await installPrograms(say);
  if ((await run(['docker', 'version'], { timeoutMs: 60_000 })).code === 0)
    return { env: {}, isOurs: false, end: async () => {} };
  // A second one empties the chains that the first one's published ports need.
  if (anotherEngineRuns())
    throw new Error(
      'a Docker Engine runs on this machine but not where docker asks: set DOCKER_HOST to use it, or end it',
    );
  return startEngine(directory, say);
}

async function installPrograms(say: (line: string) => void): Promise<void> {
  const wanted = [
    ['dockerd', 'docker.io'],
    ['docker', 'docker.io'],
    ['docker-compose', 'docker-compose'],
  ] as const;
  const missing = [];
  for (const [program, name] of wanted)
    if ((await run(['sh', '-c', `command -v ${program}`], { env: PATHS })).code !== 0) missing.push(name);
  if (missing.length === 0) return;
  const names = [...new Set(missing)];
  say(`installing ${names.join(', ')} from apt`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await must(['apt-get', ...PATIENT, 'update', '-qq'], { env, timeoutMs: 600_000 });
  await must(['apt-get', ...PATIENT, 'install', '-y', '-qq', '--no-install-recommends', ...names], {
    env,
    timeoutMs: 600_000,
  });
}

const PATHS = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

async function startEngine(directory: string, say: (line: string) => void): Promise<Engine> {
  const socket = join(directory, 'docker.sock');
  const before = await forwardPolicy();
  const groups = new Set(dockerGroups());
  mkdirSync(directory, { recursive: true });
  const log = openSync(join(directory, 'dockerd.log'), 'a');
  const daemon = spawn(
    'dockerd',
    [
      `--data-root=${join(directory, 'data')}`,
      `--exec-root=${join(directory, 'exec')}`,
      `--host=unix://${socket}`,
      `--pidfile=${join(directory, 'docker.pid')}`,
      '--storage-driver=overlay2',
    ],
    { detached: true, stdio: ['ignore', log, log], env: { ...process.env, ...PATHS } },
  );
  const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()).once('error', () => resolve()));
  const env = { DOCKER_HOST: `unix://${socket}` };
  const end = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await Promise.race([ended, new Promise((go) => setTimeout(go, 60_000))]);
    daemon.kill('SIGKILL');
    // All Engines of a machine share the bridge and the chains: they belong to the last one.
    if (!anotherEngineRuns()) await removeRules(before);
    for (const group of dockerGroups()) if (!groups.has(group)) tryRemove(group);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await eventually(
      'dockerd to answer',
      async () => ((await run(['docker', 'version'], { env })).code === 0 ? true : undefined),
      60_000,
    );
  } catch (error) {
    await end();
    throw error;
  }
  // The Engine forbids all forwarding but its own: other clusters of this machine forward too.
  if (before === 'ACCEPT') await run([IPTABLES, '-w', '-P', 'FORWARD', 'ACCEPT']);
  say('started a Docker Engine of our own');
  return { env, isOurs: true, end };
}

async function forwardPolicy(): Promise<string> {
  const { out } = await run([IPTABLES, '-w', '-S', 'FORWARD']);
  return /-P FORWARD (\w+)/.exec(out)?.[1] ?? 'ACCEPT';
}

/** An Engine that ends leaves its bridge and its rules. Only what bears its names goes. */
async function removeRules(policy: string): Promise<void> {
  await run(['/usr/sbin/ip', 'link', 'del', 'docker0']);
  await run([IPTABLES, '-w', '-P', 'FORWARD', policy]);
  for (const table of ['nat', 'filter']) {
    const { out } = await run([IPTABLES, '-w', '-t', table, '-S']);
    const lines = out.split('\n').map((line) => line.split(' '));
    const named = (words: readonly string[]): boolean => words.some((word) => /^DOCKER|^docker0$/.test(word));
    for (const words of lines)
      if (words[0] === '-A' && named(words)) await run([IPTABLES, '-w', '-t', table, '-D', ...words.slice(1)]);
    for (const words of lines)
      if (words[0] === '-N' && named(words)) await run([IPTABLES, '-w', '-t', table, '-X', words[1]!]);
  }
}

function anotherEngineRuns(): boolean {
  return readdirSync('/proc').some((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/comm`, 'utf8').trim() === 'dockerd';
    } catch {
      return false;
    }
  });
}

function dockerGroups(): string[] {
  const root = '/sys/fs/cgroup';
  const groups = [join(root, 'docker'), ...readdirSync(root).map((controller) => join(root, controller, 'docker'))];
  return groups.filter((path) => existsSync(path));
}

function tryRemove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Something lives in it: the test of what is left has named it.
  }
}
