// Asks: is the archive whole, the same each time, and named as the tools expect? `tar` reads it, as a stranger would.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { WEB_IMAGE_REF } from '../core/images.ts';
import { buildWebImage } from './build-archive.ts';
import { tarOf } from './tar.ts';

const directory = mkdtempSync(join(tmpdir(), 'flotilla-image-'));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));
const needsBusybox = existsSync('/bin/busybox') ? test : test.skip;

needsBusybox('an archive holds an index, a manifest, a configuration and a layer that name each other', async (t) => {
  const out = join(directory, 'web.tar');
  const built = await buildWebImage(out);
  t.is(built.ref, WEB_IMAGE_REF);
  execFileSync('tar', ['-xf', out, '-C', directory]);
  const read = (path: string): any => JSON.parse(readFileSync(join(directory, path), 'utf8'));
  const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
  const index = read('index.json');
  t.is(index.manifests[0].digest, built.digest);
  t.is(index.manifests[0].annotations['io.containerd.image.name'], WEB_IMAGE_REF);
  const manifest = read(blob(built.digest));
  for (const part of [manifest.config, ...manifest.layers]) {
    const bytes = readFileSync(join(directory, blob(part.digest)));
    t.is(part.size, bytes.length);
    t.is(part.digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  }
  const root = join(directory, 'root');
  execFileSync('mkdir', [root]);
  execFileSync('tar', ['-xf', join(directory, blob(manifest.layers[0].digest)), '-C', root]);
  t.is(statSync(join(root, 'bin/web')).mode & 0o777, 0o755);
  t.is(readlinkSync(join(root, 'bin/httpd')), 'busybox');
  t.is(execFileSync(join(root, 'bin/busybox'), ['echo', 'works']).toString(), 'works\n');
});

needsBusybox('the same busybox gives the same digest', async (t) => {
  const one = await buildWebImage(join(directory, 'a.tar'));
  const two = await buildWebImage(join(directory, 'b.tar'));
  t.deepEqual(one, two);
  t.deepEqual(readFileSync(join(directory, 'a.tar')), readFileSync(join(directory, 'b.tar')));
});

test('a name that does not fit a tar header is refused, not cut', (t) => {
  t.throws(() => tarOf([{ type: 'directory', name: 'x'.repeat(101), mode: 0o755 }]), { message: /too long/ });
});
