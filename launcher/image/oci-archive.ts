// Decides how one layer and a configuration become an OCI image archive that `ctr i import`, `docker load` and skopeo
// read. Never decides what is in the image.
import { createHash } from 'node:crypto';
import { tarOf, type TarEntry } from './tar.ts';

export interface ImageDefinition {
  /** Full name with tag: `ghcr.io/acme/web:1a2b3c4`. */
  ref: string;
  architecture: string;
  config: Record<string, unknown>;
  layer: readonly TarEntry[];
}

export interface ImageArchive {
  ref: string;
  /** Of the manifest. */
  digest: string;
  bytes: Buffer;
}

interface Blob {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

export function archiveOf(image: ImageDefinition): ImageArchive {
  const layer = blobOf('application/vnd.oci.image.layer.v1.tar', tarOf(image.layer));
  const config = jsonBlob('application/vnd.oci.image.config.v1+json', {
    created: '1970-01-01T00:00:00Z',
    architecture: image.architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'flotilla' }],
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = jsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: descriptorOf(config),
    layers: [descriptorOf(layer)],
  });
  const blobs = [layer, config, manifest];
  const documents = {
    'oci-layout': layoutOf(),
    'index.json': indexOf(image, manifest),
    'manifest.json': dockerIndexOf(image, config, layer),
  };
  const bytes = tarOf([
    { type: 'directory', name: 'blobs', mode: 0o755 },
    { type: 'directory', name: 'blobs/sha256', mode: 0o755 },
    ...blobs.map((blob): TarEntry => ({ type: 'file', name: pathOf(blob), mode: 0o644, data: blob.bytes })),
    ...Object.entries(documents).map(([name, document]): TarEntry => ({
      type: 'file',
      name,
      mode: 0o644,
      data: Buffer.from(JSON.stringify(document)),
    })),
  ]);
  return { ref: image.ref, digest: manifest.digest, bytes };
}

function layoutOf(): object {
  return { imageLayoutVersion: '1.0.0' };
}

/** containerd takes the image's name from the first annotation, other tools from the second. */
function indexOf(image: ImageDefinition, manifest: Blob): object {
  const annotations = {
    'io.containerd.image.name': image.ref,
    'org.opencontainers.image.ref.name': image.ref.slice(image.ref.lastIndexOf(':') + 1),
  };
  const platform = { architecture: image.architecture, os: 'linux' };
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ ...descriptorOf(manifest), annotations, platform }],
  };
}

/** What `docker load` of engines without OCI support reads instead. */
function dockerIndexOf(image: ImageDefinition, config: Blob, layer: Blob): object {
  return [{ Config: pathOf(config), RepoTags: [image.ref], Layers: [pathOf(layer)] }];
}

function blobOf(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function jsonBlob(mediaType: string, document: object): Blob {
  return blobOf(mediaType, Buffer.from(JSON.stringify(document)));
}

function descriptorOf(blob: Blob): object {
  return { mediaType: blob.mediaType, digest: blob.digest, size: blob.bytes.length };
}

function pathOf(blob: Blob): string {
  return `blobs/${blob.digest.replace(':', '/')}`;
}
