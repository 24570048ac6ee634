// Does: makes the demo's image archive once, where the machine has a busybox to make it from. Never knows what an image
// is made of (launcher/image does).
import { existsSync } from 'node:fs';
import { buildWebImage, WEB_IMAGE_REF } from '../image/build-archive.ts';
import { findProgram, searchPath } from './install.ts';

export async function ensureWebImage(path: string, say: (line: string) => void): Promise<void> {
  if (existsSync(path)) return;
  const busybox = findProgram('busybox', searchPath());
  // Only a runtime that may not install anything comes here without one: its cluster works, the demo does not.
  if (busybox === undefined)
    return say(`no busybox (Debian: busybox-static): the demo's image ${WEB_IMAGE_REF} is not built`);
  await buildWebImage(path, { busybox });
  say(`built the image ${WEB_IMAGE_REF} from busybox`);
}
