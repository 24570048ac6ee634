// Does: builds the suite of one Kubernetes release, unmodified, and the images of its pods, into a folder outside the
// repository: `node test/conformance/upstream-e2e/fetch.ts DIR`. Never builds again what is there; never runs a test.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildImages } from './images.ts';

export const VERSION = '1.33.13';
/** Its own module has no release of this patch in the proxy; the suite only uses its types. */
const SAMPLE_APISERVER = 'v0.33.4';
/** These run where there is no C library. */
const STATIC = { CGO_ENABLED: '0' };
const PACKAGES = 'curl,bind9-dnsutils,netcat-openbsd,iproute2,ca-certificates,wget';

interface Module {
  GoMod: string;
}

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  if (positionals.length !== 1)
    throw new Error('usage: fetch.ts DIR (needs Go 1.24 or newer, debootstrap, busybox-static and etcd)');
  const dir = resolve(positionals[0]!);
  await mkdir(dir, { recursive: true });
  await writeModule(dir);
  const kubernetes = 'k8s.io/kubernetes/test';
  const built = (name: string, argv: readonly string[], env = {}): string => build(dir, name, argv, env);
  built('e2e.test', ['test', '-c', '-o', 'e2e.test', `${kubernetes}/e2e`]);
  const programs = {
    agnhost: built('agnhost', ['build', '-o', 'agnhost', `${kubernetes}/images/agnhost`], STATIC),
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

/** Staging modules are replaced in Kubernetes' own go.mod by folders; for others they are modules of the same release. */
async function writeModule(dir: string): Promise<void> {
  const file = join(dir, 'go.mod');
  if (existsSync(file)) return;
  const { GoMod } = JSON.parse(go(dir, ['mod', 'download', '-json', `k8s.io/kubernetes@v${VERSION}`])) as Module;
  const staging = [...(await readFile(GoMod, 'utf8')).matchAll(/^\t(k8s\.io\/\S+) => \.\/staging/gm)].map(
    (match) => match[1]!,
  );
  const version = `v0.${VERSION.slice(VERSION.indexOf('.') + 1)}`;
  const replaced = staging.map(
    (name) => `\t${name} => ${name} ${name === 'k8s.io/sample-apiserver' ? SAMPLE_APISERVER : version}`,
  );
  const head = `module upstream\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v${VERSION}\n\n`;
  await writeFile(file, `${head}replace (\n${replaced.join('\n')}\n)\n`);
}

function build(dir: string, name: string, argv: readonly string[], env: Record<string, string> = {}): string {
  const file = join(dir, name);
  if (existsSync(file)) return file;
  console.log(`go ${argv.join(' ')}`);
  go(dir, argv, env);
  return file;
}

function go(dir: string, argv: readonly string[], extra: Record<string, string> = {}): string {
  const env = { ...process.env, GOFLAGS: '-mod=mod', ...extra };
  return execFileSync('go', argv, { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
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
