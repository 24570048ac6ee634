// Does: makes the demo's image archive once. Never knows what an image is made of (launcher/image does).
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildWebImage } from '../image/build-archive.ts';

export async function ensureWebImage(path: string, say: (line: string) => void): Promise<void> {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Renamed when whole: a start that was cut off leaves no half of an archive behind.
  const temporary = `${path}.${process.pid}.tmp`;
  await buildWebImage(temporary);
  renameSync(temporary, path);
  say('built the image ghcr.io/acme/web:1a2b3c4 from busybox');
}
