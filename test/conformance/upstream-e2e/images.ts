// Decides what the images are made of that the suite's pods run: few layers, built from this machine's packages and from
// the suite's own programs, under the names that it asks for. Never asks a registry, never copies an upstream image.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const E2E = 'registry.k8s.io/e2e-test-images';
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Image {
  refs: string[];
  layers: Array<'debian' | 'busybox' | 'servers'>;
  config: { Entrypoint?: string[]; Cmd?: string[]; User?: string; WorkingDir?: string };
}

/** Of Kubernetes 1.33; `e2e.test --list-images` prints them. What no conformance test runs is left out. */
const IMAGES: readonly Image[] = [
  {
    refs: [`${E2E}/agnhost:2.53`, `${E2E}/agnhost:2.6`],
    layers: ['debian'],
    config: { Entrypoint: ['/agnhost'], Cmd: ['pause'] },
  },
  { refs: [`${E2E}/jessie-dnsutils:1.7`], layers: ['debian'], config: { Cmd: ['sleep', '3600'] } },
  {
    refs: [`${E2E}/kitten:1.7`, `${E2E}/nautilus:1.7`],
    layers: ['debian'],
    config: { Entrypoint: ['/agnhost'], Cmd: ['test-webserver'] },
  },
  { refs: [`${E2E}/busybox:1.36.1-1`], layers: ['busybox'], config: { Cmd: ['sh'] } },
  { refs: [`${E2E}/nonroot:1.4`], layers: ['busybox'], config: { Cmd: ['sh'], User: '1234' } },
  { refs: [`${E2E}/nonewprivs:1.3`], layers: ['busybox', 'servers'], config: { Cmd: ['nnp'] } },
  { refs: ['registry.k8s.io/pause:3.10'], layers: ['busybox', 'servers'], config: { Entrypoint: ['/pause'] } },
  {
    refs: [`${E2E}/httpd:2.4.38-4`, `${E2E}/httpd:2.4.39-4`, `${E2E}/nginx:1.14-4`, `${E2E}/nginx:1.15-4`],
    layers: ['busybox', 'servers'],
    config: { Cmd: ['httpd-foreground'], WorkingDir: '/usr/local/apache2' },
  },
  {
    refs: [`${E2E}/sample-apiserver:1.29.2`],
    layers: ['debian', 'servers'],
    config: { Entrypoint: ['/sample-apiserver'] },
  },
  { refs: ['registry.k8s.io/etcd:3.5.21-0'], layers: ['debian', 'servers'], config: { Cmd: ['etcd'] } },
];

/** The programs of this machine and of the suite that go into the layers. */
export interface Programs {
  agnhost: string;
  /** A folder with the certificate that agnhost serves HTTPS with. */
  certificate: string;
  sampleApiserver: string;
  noNewPrivileges: string;
  busybox: string;
  /** A static bash: busybox' own shell keeps variables from its programs whose names it cannot say. */
  shell: string;
  etcd: string;
  /** A Debian tree with bash, curl, dig, nc, ip: debootstrap made it. */
  debian: string;
}

/** One OCI archive with all of them: `ctr images import` gives each its name, and shares their layers. */
export async function buildImages(programs: Programs, work: string, outFile: string): Promise<void> {
  const layout = join(work, 'layout');
  await rm(layout, { recursive: true, force: true });
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const layers = {
    debian: await layerOf(layout, await debianTree(programs)),
    busybox: await layerOf(layout, await busyboxTree(programs, join(work, 'busybox'))),
    servers: await layerOf(layout, await serversTree(programs, join(work, 'servers'))),
  };
  const manifests = [];
  for (const image of IMAGES) {
    const manifest = await manifestOf(layout, image, layers);
    for (const ref of image.refs) manifests.push({ ...manifest, annotations: { 'io.containerd.image.name': ref } });
  }
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  execFileSync('tar', ['-C', layout, '-cf', `${outFile}.new`, '.']);
  await rename(`${outFile}.new`, outFile);
  await rm(layout, { recursive: true });
}

async function debianTree({ debian, agnhost, certificate }: Programs): Promise<string> {
  await put(agnhost, join(debian, 'agnhost'));
  for (const name of ['localhost.crt', 'localhost.key']) await put(join(certificate, name), join(debian, name));
  await link('agnhost', join(debian, 'agnhost-2'));
  await mkdir(join(debian, 'uploads'), { recursive: true });
  // The suite asks whether a group that only the image knows is given to its user.
  const accounts = {
    passwd:
      'root:x:0:0:root:/root:/bin/sh\nuser-defined-in-image:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
    group:
      'root:x:0:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\nnogroup:x:65534:\n',
  };
  for (const [name, text] of Object.entries(accounts)) await writeFile(join(debian, 'etc', name), text);
  return debian;
}

async function busyboxTree({ busybox, shell }: Programs, tree: string): Promise<string> {
  await rm(tree, { recursive: true, force: true });
  for (const name of ['dev', 'etc', 'proc', 'root', 'sys', 'usr/bin', 'usr/sbin', 'var'])
    await mkdir(join(tree, name), { recursive: true });
  await mkdir(join(tree, 'tmp'));
  await chmod(join(tree, 'tmp'), 0o1777);
  await put(busybox, join(tree, 'bin/busybox'));
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n');
  for (const name of applets.filter((applet) => applet !== '' && applet !== 'busybox'))
    await link('busybox', join(tree, 'bin', name));
  await rm(join(tree, 'bin/sh'));
  await put(shell, join(tree, 'bin/sh'));
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  return tree;
}

const PAUSE = `#!/bin/sh\ntrap 'exit 0' TERM INT\nwhile :; do sleep 1000000 & wait $!; done\n`;
const HTTPD = `#!/bin/sh\nexec httpd -f -p 80 -h /usr/local/apache2/htdocs\n`;

async function serversTree(programs: Programs, tree: string): Promise<string> {
  await rm(tree, { recursive: true, force: true });
  await put(programs.sampleApiserver, join(tree, 'sample-apiserver'));
  await put(programs.etcd, join(tree, 'usr/local/bin/etcd'));
  await put(programs.noNewPrivileges, join(tree, 'usr/local/bin/nnp'));
  await chmod(join(tree, 'usr/local/bin/nnp'), 0o4755);
  await script(join(tree, 'pause'), PAUSE);
  await script(join(tree, 'usr/local/bin/httpd-foreground'), HTTPD);
  await mkdir(join(tree, 'usr/local/apache2/htdocs'), { recursive: true });
  await writeFile(join(tree, 'usr/local/apache2/htdocs/index.html'), '<html><body><h1>It works!</h1></body></html>\n');
  return tree;
}

async function put(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o755);
}

async function script(to: string, text: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, text, { mode: 0o755 });
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(target, path);
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

async function layerOf(layout: string, tree: string): Promise<Descriptor> {
  const file = join(layout, 'layer.tar');
  execFileSync('tar', [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '-C',
    tree,
    '-cf',
    file,
    '.',
  ]);
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part as Buffer);
  const digest = hash.digest('hex');
  const size = (await stat(file)).size;
  await rename(file, join(layout, 'blobs/sha256', digest));
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${digest}`, size };
}

async function manifestOf(layout: string, image: Image, known: Record<string, Descriptor>): Promise<Descriptor> {
  const layers = image.layers.map((name) => known[name]!);
  const config = await documentOf(layout, 'application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Env: [PATH], ...image.config },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  return documentOf(layout, mediaType, { schemaVersion: 2, mediaType, config, layers });
}

async function documentOf(layout: string, mediaType: string, document: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(layout, 'blobs/sha256', digest), bytes);
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
}
