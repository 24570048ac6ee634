// Does: fills the compile cache of a home that has none yet for this Node. Never fails a start: without a cache everything
// works, slower and larger.
import { fileURLToPath } from 'node:url';
import { STARTED } from '../../services/index.ts';
import type { Exec } from '../../lib/exec/exec.ts';
import type { Home } from '../core/home.ts';
import { runtimesOf } from '../core/runtimes.ts';
import { readIfThere, writeIfChanged } from './files.ts';

const PRIME = fileURLToPath(new URL('../prime-cache.ts', import.meta.url));

export async function primeCompileCache(exec: Exec, home: Home): Promise<void> {
  const marker = `${home.compileCache}/primed`;
  const primedFor = `${process.version} ${JSON.stringify(runtimesOf(STARTED))}`;
  if (readIfThere(marker) === primedFor) return;
  const { exitCode } = await exec.run([process.execPath, PRIME], { env: { NODE_COMPILE_CACHE: home.compileCache } });
  if (exitCode === 0) writeIfChanged(marker, primedFor);
}
