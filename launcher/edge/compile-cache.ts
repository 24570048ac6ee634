// Does: fills the compile cache of a home that has none yet for this Node and these sources. Never fails a start: without a cache
// everything works, slower and larger.
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STARTED } from '../../services/index.ts';
import type { Exec } from '../../lib/exec/exec.ts';
import type { Home } from '../core/home.ts';
import { runtimesOf } from '../core/runtimes.ts';
import { readIfThere, writeIfChanged } from './files.ts';

const PRIME = fileURLToPath(new URL('../prime-cache.ts', import.meta.url));
const ROOMS = ['launcher', 'lib', 'raft', 'runtime-shims', 'services'];

export async function primeCompileCache(exec: Exec, home: Home): Promise<void> {
  const marker = `${home.compileCache}/primed`;
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const primedFor = `${process.version} ${JSON.stringify(runtimesOf(STARTED))} ${sourcesIn(root)}`;
  if (readIfThere(marker) === primedFor) return;
  const { exitCode } = await exec.run([process.execPath, PRIME], { env: { NODE_COMPILE_CACHE: home.compileCache } });
  if (exitCode === 0) writeIfChanged(marker, primedFor);
}

/** A home that goes on with another version has a cache of files that nobody loads any more. By times and sizes: some milliseconds. */
function sourcesIn(root: string): string {
  const hash = createHash('sha256').update(root);
  for (const room of ROOMS)
    for (const name of readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).toSorted()) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const { mtimeMs, size } = statSync(join(root, room, name));
      hash.update(`${room}/${name} ${mtimeMs} ${size}\n`);
    }
  return hash.digest('hex');
}
