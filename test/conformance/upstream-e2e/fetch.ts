// Does: builds the suite of one Kubernetes release, unmodified, and the images of its pods, into a folder outside the
// repository: `node test/conformance/upstream-e2e/fetch.ts DIR`. Never builds again what is there; never runs a test.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, folderOf, writeModule } from '../upstream/go-module.ts';
import { buildImages } from './images.ts';

/** These run where there is no C library. */
const STATIC = { CGO_ENABLED: '0' };
const PACKAGES = 'curl,bind9-dnsutils,netcat-openbsd,net-tools,iproute2,ca-certificates,wget';

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  if (positionals.length !== 1)
    throw new Error('usage: fetch.ts DIR (needs Go 1.24 or newer, debootstrap, busybox-static and etcd)');
  const dir = resolve(positionals[0]!);
  await writeModule(dir);
  const kubernetes = 'k8s.io/kubernetes/test';
  const built = (name: string, argv: readonly string[], env = {}): string => build(dir, name, argv, env);
  built('e2e.test', ['test', '-c', '-o', 'e2e.test', `${kubernetes}/e2e`]);
  const programs = {
    agnhost: built('agnhost', ['build', '-o', 'agnhost', `${kubernetes}/images/agnhost`], STATIC),
    certificate: join(folderOf(dir, 'k8s.io/kubernetes'), 'test/images/agnhost/porter'),
    sampleApiserver: built('sample-apiserver', ['build', '-o', 'sample-apiserver', 'k8s.io/sample-apiserver']),
    noNewPrivileges: built('nnp', ['build', '-o', 'nnp', `${kubernetes}/images/nonewprivs`], STATIC),
    busybox: programOf('busybox'),
    shell: staticShell(dir),
    etcd: programOf('etcd'),
    debian: await debianTree(dir),
  };
  const images = join(dir, 'images.tar');
  if (!existsSync(images)) await buildImages(programs, join(dir, 'images'), images);
  console.log(`the suite is ${join(dir, 'e2e.test')}, its images are in ${images}`);
}

function staticShell(dir: string): string {
  const file = join(dir, 'shell/bin/bash-static');
  if (existsSync(file)) return file;
  execFileSync('apt-get', ['download', 'bash-static'], { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
  const [archive] = globSync('bash-static_*.deb', { cwd: dir });
  execFileSync('dpkg', ['-x', archive!, 'shell'], { cwd: dir });
  return file;
}

async function debianTree(dir: string): Promise<string> {
  const tree = join(dir, 'debian');
  if (existsSync(join(tree, 'usr/bin/curl'))) return tree;
  console.log('debootstrap');
  execFileSync('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, 'bookworm', tree], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const left of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale', 'usr/share/man'])
    await rm(join(tree, left), { recursive: true, force: true });
  return tree;
}

function programOf(name: string): string {
  return execFileSync('which', [name], { encoding: 'utf8' }).trim();
}

await main();
