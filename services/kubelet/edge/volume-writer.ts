// Does: makes a pod's volumes on the node: directories, memory, files that change all at once. Takes them away again.
// Never decides what is in them.
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../lib/base/clock.ts';
import { describeFailure, type Exec } from '../../../lib/exec/exec.ts';
import type { Pod } from '../../../lib/api/generated/types.ts';
import { PodProblem } from '../core/problem.ts';
import type { PlannedFile, PlannedToken, PlannedVolume } from '../core/volumes.ts';
import type { KubeletPaths } from './paths.ts';

export interface TokenSource {
  token(
    pod: Pod,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<{ token: string; expiresAtMs: number }>;
}

/** A token is asked for anew when this part of its life has passed. */
const TOKEN_RENEW_PART = 0.8;

export class VolumeWriter {
  readonly #ctx: { exec: Exec; clock: Clock; paths: KubeletPaths; tokens: TokenSource };
  readonly #tokens = new Map<string, { token: string; renewAtMs: number }>();

  constructor(ctx: { exec: Exec; clock: Clock; paths: KubeletPaths; tokens: TokenSource }) {
    this.#ctx = ctx;
  }

  /** May be repeated: what is there is brought up to date. Where each volume is, by name. */
  async write(pod: Pod, volumes: readonly PlannedVolume[]): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    await mkdir(this.#ctx.paths.volumes(uid), { recursive: true, mode: 0o711 });
    for (const volume of volumes) await this.#one(pod, volume, this.#ctx.paths.volume(uid, volume.name));
  }

  paths(pod: Pod, volumes: readonly PlannedVolume[]): Record<string, string> {
    const uid = pod.metadata.uid ?? '';
    return Object.fromEntries(
      volumes.map((volume) => [
        volume.name,
        volume.type === 'hostPath' ? volume.path : this.#ctx.paths.volume(uid, volume.name),
      ]),
    );
  }

  /** Leaves no mount and no file. */
  async remove(uid: string): Promise<void> {
    const directory = this.#ctx.paths.volumes(uid);
    for (const path of await mountsBelow(directory)) {
      const result = await this.#ctx.exec.run(['umount', '-l', path]);
      if (result.exitCode !== 0) throw new PodProblem('FailedUnMount', describeFailure(result));
    }
    await rm(directory, { recursive: true, force: true });
    for (const key of this.#tokens.keys()) if (key.startsWith(`${uid}/`)) this.#tokens.delete(key);
  }

  async #one(pod: Pod, volume: PlannedVolume, path: string): Promise<void> {
    const group = pod.spec.securityContext?.fsGroup;
    switch (volume.type) {
      case 'directory':
        return makeShared(path, group);
      case 'memory':
        return this.#memory(path, volume.sizeBytes, group);
      case 'hostPath':
        return checkHostPath(volume.name, volume.path, volume.check);
      case 'files': {
        const tokens = await Promise.all(volume.tokens.map((token) => this.#token(pod, volume.name, token)));
        return writeFiles(path, [...volume.files, ...tokens], group, this.#ctx.clock.now());
      }
    }
  }

  async #memory(path: string, sizeBytes: number | undefined, group: number | undefined): Promise<void> {
    await mkdir(path, { recursive: true });
    // Without the right to mount (no root), it is a directory on disk: the pod can work, only slower.
    const mayMount = process.getuid?.() === 0;
    if (mayMount && !(await mountsBelow(dirname(path))).includes(path)) {
      const size = sizeBytes === undefined ? [] : [`size=${sizeBytes}`];
      const options = ['mode=1777', ...size].join(',');
      const result = await this.#ctx.exec.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path]);
      if (result.exitCode !== 0) throw new PodProblem('FailedMount', describeFailure(result));
    }
    await makeShared(path, group);
  }

  async #token(pod: Pod, volume: string, planned: PlannedToken): Promise<PlannedFile> {
    const key = `${pod.metadata.uid ?? ''}/${volume}/${planned.path}`;
    const now = this.#ctx.clock.now();
    let known = this.#tokens.get(key);
    if (known === undefined || now >= known.renewAtMs)
      known = await this.#renew(pod, volume, planned, key, now, known?.token);
    const { path, mode, owner } = planned;
    return { path, mode, owner, data: Buffer.from(known.token) };
  }

  /** When the API is gone, the token that the pod has stays. */
  async #renew(pod: Pod, volume: string, planned: PlannedToken, key: string, now: number, last: string | undefined) {
    try {
      const { token, expiresAtMs } = await this.#ctx.tokens.token(pod, planned.audience, planned.expirationSeconds);
      const renewed = { token, renewAtMs: now + (expiresAtMs - now) * TOKEN_RENEW_PART };
      this.#tokens.set(key, renewed);
      return renewed;
    } catch (error) {
      const file = join(this.#ctx.paths.volume(pod.metadata.uid ?? '', volume), planned.path);
      const token = last ?? (await readFile(file, 'utf8').catch(() => undefined));
      if (token === undefined) throw error;
      return { token, renewAtMs: now };
    }
  }
}

async function makeShared(path: string, group: number | undefined): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, group === undefined ? 0o777 : 0o2775);
  if (group !== undefined) await chown(path, -1, group).catch(ignoreNotPermitted);
}

/**
 * As upstream writes them: a directory with all files, `..data` pointing to it, each file a link through `..data`. One
 * rename of `..data` changes everything at once, and a program never sees half of an update.
 */
async function writeFiles(
  path: string,
  files: readonly PlannedFile[],
  group: number | undefined,
  now: number,
): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
  const current = await readlink(join(path, '..data')).catch(() => undefined);
  if (current !== undefined && (await holds(join(path, current), files))) return;
  const stamp = `..${new Date(now).toISOString().replaceAll(/[:.]/g, '_')}_${process.pid}`;
  for (const file of files) await writeOne(join(path, stamp, file.path), file, group);
  await mkdir(join(path, stamp), { recursive: true });
  await chmod(join(path, stamp), 0o755);
  await rm(join(path, '..data_new'), { force: true });
  await symlink(stamp, join(path, '..data_new'));
  await rename(join(path, '..data_new'), join(path, '..data'));
  await linkNames(path, files);
  if (current !== undefined) await rm(join(path, current), { recursive: true, force: true });
}

async function writeOne(path: string, file: PlannedFile, group: number | undefined): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file.data);
  await chmod(path, group === undefined ? file.mode : file.mode | 0o040);
  if (group !== undefined || file.owner !== undefined)
    await chown(path, file.owner ?? -1, group ?? -1).catch(ignoreNotPermitted);
}

async function linkNames(path: string, files: readonly PlannedFile[]): Promise<void> {
  const names = new Set(files.map((file) => file.path.split('/')[0]!));
  for (const name of names)
    if ((await lstat(join(path, name)).catch(() => undefined)) === undefined)
      await symlink(join('..data', name), join(path, name));
  for (const name of await readdir(path))
    if (!name.startsWith('..') && !names.has(name)) await rm(join(path, name), { force: true });
}

async function holds(directory: string, files: readonly PlannedFile[]): Promise<boolean> {
  const present = (await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isFile(),
  );
  if (present.length !== files.length) return false;
  for (const file of files) {
    const data = await readFile(join(directory, file.path)).catch(() => undefined);
    if (data === undefined || !data.equals(file.data)) return false;
  }
  return true;
}

const KINDS: Record<string, (stats: Stats) => boolean> = {
  Directory: (stats) => stats.isDirectory(),
  File: (stats) => stats.isFile(),
  Socket: (stats) => stats.isSocket(),
  CharDevice: (stats) => stats.isCharacterDevice(),
  BlockDevice: (stats) => stats.isBlockDevice(),
};

async function checkHostPath(name: string, path: string, check: string): Promise<void> {
  if (check === '') return;
  if (check === 'DirectoryOrCreate') return void (await mkdir(path, { recursive: true, mode: 0o755 }));
  const stats = await stat(path).catch(() => undefined);
  if (check === 'FileOrCreate') {
    if (stats === undefined) await writeFile(path, '', { mode: 0o644, flag: 'a' });
    return;
  }
  if (stats === undefined || KINDS[check]?.(stats) !== true)
    throw new PodProblem(
      'FailedMount',
      `MountVolume.SetUp failed for volume "${name}" : hostPath type check failed: ${path} is not a ${check}`,
    );
}

async function mountsBelow(directory: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((path) => path.startsWith(`${directory}/`));
}

function ignoreNotPermitted(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error;
}
