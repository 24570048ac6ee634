// Does: makes the image archives that a cluster needs, once, where the machine has a busybox to make them from. Never
// knows what an image is made of (launcher/image does).
import { existsSync } from 'node:fs';
import type { RuntimeName } from '../../lib/actor/settings.ts';
import type { Home } from '../core/home.ts';
import { PAUSE_IMAGE_REF, WEB_IMAGE_REF } from '../core/images.ts';
import { buildWebImage } from '../image/build-archive.ts';
import { findProgram, searchPath } from './install.ts';

export async function ensureImages(home: Home, runtime: RuntimeName, say: (line: string) => void): Promise<void> {
  await ensureImage(home.webImage, { ref: WEB_IMAGE_REF }, say);
  if (runtime === 'nerdctl')
    await ensureImage(home.pauseImage, { ref: PAUSE_IMAGE_REF, command: ['/bin/sleep', '1000000000'] }, say);
}

async function ensureImage(
  path: string,
  image: { ref: string; command?: string[] },
  say: (line: string) => void,
): Promise<void> {
  if (existsSync(path)) return;
  const busybox = findProgram('busybox', searchPath());
  // Only a runtime that may not install anything comes here without one: its cluster works, the demo does not.
  if (busybox === undefined) return say(`no busybox (Debian: busybox-static): the image ${image.ref} is not built`);
  await buildWebImage(path, { ...image, busybox });
  say(`built the image ${image.ref} from busybox`);
}
