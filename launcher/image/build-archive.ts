// Does: builds the demo's image, and the one that holds a pod's namespaces for nerdctl, from this machine's static
// busybox, so that neither needs a registry. Never uses
// another program than `busybox --list`, never the network.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { WEB_IMAGE_REF } from '../core/images.ts';
import { archiveOf } from './oci-archive.ts';
import type { TarEntry } from './tar.ts';
import { WEB_SCRIPT } from './web-script.ts';

export interface BuildOptions {
  /** Default: the demo's own name. Other names give the same image under another reference. */
  ref?: string;
  /** Default /bin/busybox; must be static. */
  busybox?: string;
  /** Default: the demo's server. */
  command?: string[];
}

/** Writes the archive (whole or not at all) and says how the image is called. Throws when busybox is not there. */
export async function buildWebImage(
  outFile: string,
  options: BuildOptions = {},
): Promise<{ ref: string; digest: string }> {
  const busybox = options.busybox ?? '/bin/busybox';
  const archive = archiveOf({
    ref: options.ref ?? WEB_IMAGE_REF,
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    config: {
      Env: ['PATH=/bin'],
      Cmd: options.command ?? ['/bin/web'],
      WorkingDir: '/',
      ExposedPorts: { '8080/tcp': {} },
    },
    layer: layerOf(await readFile(busybox), await appletsOf(busybox)),
  });
  await mkdir(dirname(outFile), { recursive: true });
  await writeFile(`${outFile}.new`, archive.bytes);
  await rename(`${outFile}.new`, outFile);
  return { ref: archive.ref, digest: archive.digest };
}

async function appletsOf(busybox: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(busybox, ['--list']);
  return stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
}

const DIRECTORIES: ReadonlyArray<[name: string, mode: number]> = [
  ['bin', 0o755],
  ['dev', 0o755],
  ['etc', 0o755],
  ['proc', 0o755],
  ['root', 0o700],
  ['sys', 0o755],
  ['tmp', 0o1777],
  ['var', 0o755],
];

const ACCOUNTS = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nweb:x:1000:1000:web:/:/bin/sh\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\nweb:x:1000:\nextra:x:2000:web\n',
} as const;

function layerOf(busybox: Uint8Array, applets: readonly string[]): TarEntry[] {
  const file = (name: string, mode: number, text: string): TarEntry => ({
    type: 'file',
    name,
    mode,
    data: Buffer.from(text),
  });
  return [
    ...DIRECTORIES.map(([name, mode]): TarEntry => ({ type: 'directory', name, mode })),
    ...Object.entries(ACCOUNTS).map(([name, text]) => file(name, 0o644, text)),
    { type: 'file', name: 'bin/busybox', mode: 0o755, data: busybox },
    ...applets.map((name): TarEntry => ({ type: 'link', name: `bin/${name}`, target: 'busybox' })),
    file('bin/web', 0o755, WEB_SCRIPT),
  ];
}
