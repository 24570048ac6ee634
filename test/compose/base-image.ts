// Does: makes sure that the Dockerfile's base image is there: pulled where a registry answers, else made of Debian's
// packages and this machine's Node under the same name. Never changes what the Dockerfile says.
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PATIENT } from './engine.ts';
import { must, run } from './shell.ts';

const DEBIAN = 'http://deb.debian.org/debian';
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

export async function ensureBaseImage(
  name: string,
  directory: string,
  env: Record<string, string>,
  say: (line: string) => void,
): Promise<void> {
  if ((await run(['docker', 'image', 'inspect', name], { env })).code === 0) return;
  if ((await run(['docker', 'pull', '-q', name], { env, timeoutMs: 300_000 })).code === 0) return;
  say(`no registry: making ${name} of Debian's packages and this machine's Node`);
  const root = join(directory, 'rootfs');
  mkdirSync(root, { recursive: true });
  // In memory where it may be: dpkg waits for the disk after every file.
  const inMemory = (await run(['mount', '-t', 'tmpfs', '-o', 'size=1500m,mode=755', 'tmpfs', root])).code === 0;
  try {
    await makeAndImport(name, root, directory, env);
  } finally {
    if (inMemory) await run(['umount', '-l', root]);
    rmSync(root, { recursive: true, force: true });
  }
}

async function makeAndImport(
  name: string,
  root: string,
  directory: string,
  env: Record<string, string>,
): Promise<void> {
  await makeRoot(root);
  const archive = join(directory, 'rootfs.tar');
  await must(['tar', '-C', root, '-cf', archive, '.']);
  const settings = [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    // Behind a proxy that opens TLS its authority is among the machine's own, and must be among the image's.
    `ENV NODE_EXTRA_CA_CERTS=${AUTHORITIES}`,
    'CMD ["node"]',
  ];
  await must(['docker', 'import', ...settings.flatMap((line) => ['-c', line]), archive, name], { env });
  rmSync(archive, { force: true });
}

async function makeRoot(root: string): Promise<void> {
  if ((await run(['sh', '-c', 'command -v debootstrap'])).code !== 0) {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await must(['apt-get', ...PATIENT, 'install', '-y', '-qq', '--no-install-recommends', 'debootstrap'], {
      env,
      timeoutMs: 600_000,
    });
  }
  const packages = 'libstdc++6,libatomic1,ca-certificates';
  await must(['debootstrap', '--variant=minbase', `--include=${packages}`, 'bookworm', root, DEBIAN], {
    timeoutMs: 1_200_000,
  });
  copyFileSync(realpathSync(process.execPath), join(root, 'usr/local/bin/node'));
  const modules = join(root, 'usr/local/lib/node_modules');
  mkdirSync(modules, { recursive: true });
  cpSync(await npmDirectory(), join(modules, 'npm'), { recursive: true, dereference: true });
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
  if (existsSync(AUTHORITIES)) copyFileSync(AUTHORITIES, join(root, AUTHORITIES));
  rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
  mkdirSync(join(root, 'var/cache/apt/archives/partial'), { recursive: true });
}

async function npmDirectory(): Promise<string> {
  const npm = process.env['npm_execpath'] ?? realpathSync((await must(['sh', '-c', 'command -v npm'])).trim());
  return resolve(dirname(npm), '..');
}
