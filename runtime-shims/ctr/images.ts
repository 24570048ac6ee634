// Does: finds, pulls and imports images with ctr, and reads what they say of themselves. Never decides when to try a
// failed pull again.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecResult } from '../../lib/exec/exec.ts';
import { ShimError, type EnsureImageOptions, type ImageConfig, type ImageState } from '../contract.ts';
import { imageConfigOf } from '../shared/image-config.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { removeTree } from '../shared/records.ts';
import { normalizeReference } from '../shared/references.ts';
import { whyOf, type CtrCommand } from './command.ts';
import { parseImages } from './tables.ts';
import type { Accounts } from './users.ts';

const PULL_TIMEOUT_MS = 15 * 60_000;

interface OciDescriptor {
  mediaType?: string;
  digest: string;
  platform?: { architecture: string; os: string; variant?: string };
}

export class CtrImages {
  readonly #ctr: CtrCommand;
  readonly #workDir: string;
  readonly #queue = new KeyedQueue();
  readonly #configs = new Map<string, { id: string; config: ImageConfig }>();
  readonly #accounts = new Map<string, Accounts>();

  constructor(ctr: CtrCommand, workDir: string) {
    this.#ctr = ctr;
    this.#workDir = workDir;
  }

  /** One pull at a time of one image, however many pods want it. */
  async ensure(ref: string, options: EnsureImageOptions): Promise<ImageState> {
    const name = normalizeReference(ref);
    return this.#queue.run(name, async () => {
      const found = options.policy === 'Always' ? undefined : await this.find(name);
      if (found !== undefined) return found;
      if (options.policy === 'Never')
        throw new ShimError('ErrImageNeverPull', `Container image "${ref}" is not present with pull policy of Never`);
      options.onPull?.();
      await this.#pull(name, options);
      const pulled = await this.find(name);
      if (pulled === undefined) throw new ShimError('ErrImagePull', `image "${name}" was pulled, but is not there`);
      return pulled;
    });
  }

  async find(name: string): Promise<ImageState | undefined> {
    const text = await this.#ctr.run(['images', 'ls', `name==${name}`], 'ImageInspectError');
    const row = parseImages(text).find((image) => image.ref === name);
    if (row === undefined) return undefined;
    return { ref: name, sizeBytes: row.sizeBytes, ...(await this.#describe(row.digest)) };
  }

  async list(): Promise<Array<{ ref: string; sizeBytes: number }>> {
    return parseImages(await this.#ctr.run(['images', 'ls'], 'ImageInspectError')).map(({ ref, sizeBytes }) => ({
      ref,
      sizeBytes,
    }));
  }

  async import(file: string): Promise<string[]> {
    const text = await this.#ctr.run(['images', 'import', file], 'ErrImagePull', { timeoutMs: PULL_TIMEOUT_MS });
    return [...text.matchAll(/^unpacking (\S+) \(/gm)].map((match) => match[1]!);
  }

  /** The image's passwd and group files; asked for only by containers that name a user. */
  accounts(image: ImageState): Promise<Accounts> {
    return this.#queue.run(`accounts ${image.id}`, async () => {
      const known = this.#accounts.get(image.id);
      if (known !== undefined) return known;
      const accounts = await this.#readAccounts(image);
      this.#accounts.set(image.id, accounts);
      return accounts;
    });
  }

  async #readAccounts(image: ImageState): Promise<Accounts> {
    const target = join(this.#workDir, `mount-${image.id.replace(':', '-')}`);
    await mkdir(target, { recursive: true });
    try {
      await this.#ctr.run(['images', 'mount', image.ref, target], 'CreateContainerError');
      const read = (path: string): Promise<string> => readFile(join(target, path), 'utf8').catch(() => '');
      return { passwd: await read('etc/passwd'), group: await read('etc/group') };
    } finally {
      await this.#ctr.ask(['images', 'unmount', '--rm', target]);
      await removeTree(target);
    }
  }

  async #pull(name: string, options: EnsureImageOptions): Promise<void> {
    const login = options.auth === undefined ? [] : ['--user', `${options.auth.username}:${options.auth.password}`];
    const argv = ['images', 'pull', ...login, name];
    const result = await this.#ctr.ask(argv, { timeoutMs: PULL_TIMEOUT_MS }).catch((error: unknown) => {
      // A registry that cannot be reached reads like a containerd that cannot; only the latter is Unavailable.
      if (error instanceof ShimError && /resolve reference|dial tcp|lookup /.test(error.message)) return error;
      throw error;
    });
    if (result instanceof Error) throw new ShimError('ErrImagePull', result.message.replace(/^.*?: (?=failed to)/, ''));
    if (result.exitCode !== 0) throw pullError(name, result);
  }

  async #describe(digest: string): Promise<{ id: string; config: ImageConfig }> {
    const known = this.#configs.get(digest);
    if (known !== undefined) return known;
    const manifest = await this.#manifest(digest);
    const document = await this.#content<{ config?: Record<string, unknown> }>(manifest.config.digest);
    const described = { id: manifest.config.digest, config: imageConfigOf(document.config ?? {}) };
    this.#configs.set(digest, described);
    return described;
  }

  async #manifest(digest: string): Promise<{ config: OciDescriptor }> {
    const document = await this.#content<{ config?: OciDescriptor; manifests?: OciDescriptor[] }>(digest);
    if (document.config !== undefined) return { config: document.config };
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const fits = (document.manifests ?? []).find(
      ({ platform }) => platform === undefined || (platform.os === 'linux' && platform.architecture === architecture),
    );
    if (fits === undefined)
      throw new ShimError('ImageInspectError', `${digest} holds no image for linux/${architecture}`);
    return this.#manifest(fits.digest);
  }

  async #content<T>(digest: string): Promise<T> {
    return JSON.parse(await this.#ctr.run(['content', 'get', digest], 'ImageInspectError')) as T;
  }
}

function pullError(name: string, result: ExecResult): ShimError {
  const why = whyOf(result);
  if (/object required|invalid reference format/.test(why))
    return new ShimError('InvalidImageName', `couldn't parse image name "${name}": ${why}`);
  return new ShimError('ErrImagePull', `failed to pull and unpack image "${name}": ${why}`);
}
