// Does: fills the compile cache of a home that has none yet for this Node. Never fails a start: without a cache everything
// works, slower and larger.
import { fileURLToPath } from 'node:url';
import type { Exec } from '../../lib/exec/exec.ts';
import type { Home } from '../core/home.ts';
import { readIfThere, writeIfChanged } from './files.ts';

const PRIME = fileURLToPath(new URL('../prime-cache.ts', import.meta.url));

export async function primeCompileCache(exec: Exec, home: Home): Promise<void> {
  const marker = `${home.compileCache}/primed`;
  if (readIfThere(marker) === process.version) return;
  const { exitCode } = await exec.run([process.execPath, PRIME], { env: { NODE_COMPILE_CACHE: home.compileCache } });
  if (exitCode === 0) writeIfChanged(marker, process.version);
}
