// Does: unpacks OCI and docker archives into directories with the system's tar, and remembers which name means which.
// Never pulls: without root and containerd there is only what was imported, and the machine itself under the name `host`.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import { ShimError, type EnsureImageOptions, type ImageConfig, type ImageState } from '../contract.ts';
import { imageConfigOf } from '../shared/image-config.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { readRecord, writeRecord } from '../shared/records.ts';
import { normalizeReference } from '../shared/references.ts';

interface StoredImage extends ImageState {
  /** '' for `host`. */
  rootfs: string;
}

interface Unpackable {
  ref: string;
  configPath: string;
  layerPaths: string[];
}

const HOST_REF = 'docker.io/library/host:latest';
const HOST_CONFIG: ImageConfig = {
  entrypoint: [],
  command: [],
  env: [`PATH=/usr/local/bin:/usr/bin:/bin`],
  user: '',
  workingDir: '/',
};
const HOST_IMAGE: StoredImage = {
  ref: HOST_REF,
  id: `sha256:${'0'.repeat(64)}`,
  sizeBytes: 0,
  config: HOST_CONFIG,
  rootfs: '',
};

export class ProcessImages {
  readonly #exec: Exec;
  readonly #dir: string;
  readonly #queue = new KeyedQueue();

  constructor(exec: Exec, directory: string) {
    this.#exec = exec;
    this.#dir = directory;
  }

  async ensure(ref: string, options: EnsureImageOptions): Promise<StoredImage> {
    const name = normalizeReference(ref);
    const image = (await this.all())[name];
    if (image !== undefined) return image;
    if (options.policy === 'Never')
      throw new ShimError('ErrImageNeverPull', `Container image "${ref}" is not present with pull policy of Never`);
    throw new ShimError(
      'ErrImagePull',
      `image "${name}" has not been imported, and the process runtime does not pull: give the kubelet an archive of it, or use the image "host" for this machine's own programs`,
    );
  }

  async all(): Promise<Record<string, StoredImage>> {
    const stored = await readRecord<Record<string, StoredImage>>(join(this.#dir, 'images.json'));
    return { [HOST_REF]: HOST_IMAGE, ...stored };
  }

  import(file: string): Promise<string[]> {
    return this.#queue.run('import', async () => {
      await mkdir(this.#dir, { recursive: true });
      const work = await mkdtemp(join(this.#dir, 'import-'));
      try {
        await this.#tar(['-xf', file, '-C', work]);
        const found = await unpackablesOf(work);
        if (found.length === 0) throw new ShimError('ErrImagePull', `${file} holds no image with a name`);
        const images = await Promise.all(found.map((one) => this.#unpack(work, one)));
        const { [HOST_REF]: _, ...known } = await this.all();
        const added = Object.fromEntries(images.map((image) => [image.ref, image]));
        await writeRecord(join(this.#dir, 'images.json'), { ...known, ...added });
        return images.map(({ ref }) => ref);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    });
  }

  async #unpack(work: string, { ref, configPath, layerPaths }: Unpackable): Promise<StoredImage> {
    const configBytes = await readFile(join(work, configPath));
    const document = JSON.parse(configBytes.toString()) as { config?: Record<string, unknown> };
    const digest = createHash('sha256').update(configBytes).digest('hex');
    const rootfs = join(this.#dir, digest, 'rootfs');
    const sizes = await Promise.all(layerPaths.map(async (path) => (await readFile(join(work, path))).length));
    const draft = join(work, `rootfs-${digest}`);
    await mkdir(draft);
    for (const path of layerPaths) await this.#applyLayer(join(work, path), draft);
    await rm(rootfs, { recursive: true, force: true });
    await mkdir(dirname(rootfs), { recursive: true });
    await rename(draft, rootfs);
    const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
    return {
      ref: normalizeReference(ref),
      id: `sha256:${digest}`,
      sizeBytes,
      config: imageConfigOf(document.config ?? {}),
      rootfs,
    };
  }

  /** Whiteouts name what lower layers had: they are carried out before the layer itself is laid over. */
  async #applyLayer(layer: string, rootfs: string): Promise<void> {
    for (const entry of (await this.#tar(['-tf', layer])).split('\n')) {
      const name = entry.split('/').at(-1) ?? '';
      if (!name.startsWith('.wh.') || entry.split('/').includes('..')) continue;
      const directory = join(rootfs, dirname(entry));
      if (name === '.wh..wh..opq') {
        await rm(directory, { recursive: true, force: true });
        await mkdir(directory, { recursive: true });
      } else await rm(join(directory, name.slice('.wh.'.length)), { recursive: true, force: true });
    }
    await this.#tar(['-xf', layer, '-C', rootfs, '--no-same-owner', '--exclude=.wh.*', '--exclude=dev/*']);
  }

  async #tar(args: string[]): Promise<string> {
    const result = await this.#exec.run(['tar', ...args], { timeoutMs: 300_000 });
    if (result.exitCode !== 0)
      throw new ShimError('ErrImagePull', `cannot unpack the image: ${describeFailure(result)}`);
    return result.stdout;
  }
}

async function unpackablesOf(work: string): Promise<Unpackable[]> {
  const read = async <T>(path: string): Promise<T | undefined> => readRecord<T>(join(work, path));
  const docker = await read<Array<{ Config: string; RepoTags?: string[]; Layers: string[] }>>('manifest.json');
  if (docker !== undefined)
    return docker.flatMap(({ Config, RepoTags, Layers }) =>
      (RepoTags ?? []).map((ref) => ({ ref, configPath: Config, layerPaths: Layers })),
    );
  type Descriptor = { digest: string; annotations?: Record<string, string> };
  const blob = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;
  const index = await read<{ manifests: Descriptor[] }>('index.json');
  const found: Unpackable[] = [];
  for (const descriptor of index?.manifests ?? []) {
    const ref = descriptor.annotations?.['io.containerd.image.name'];
    const manifest = await read<{ config: Descriptor; layers: Descriptor[] }>(blob(descriptor));
    if (ref !== undefined && manifest?.layers !== undefined)
      found.push({ ref, configPath: blob(manifest.config), layerPaths: manifest.layers.map(blob) });
  }
  return found;
}
