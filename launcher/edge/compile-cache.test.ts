// Shows when the compile cache of a home is filled: once for each Node and each version of the sources, and again after a failure.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Exec } from '../../lib/exec/exec.ts';
import { homeLayout } from '../core/home.ts';
import { primeCompileCache } from './compile-cache.ts';

test('a cache is filled once, and again where it was filled for others or in vain', async (t) => {
  const compileCache = mkdtempSync(join(tmpdir(), 'compile-cache-'));
  t.teardown(() => rmSync(compileCache, { recursive: true, force: true }));
  const home = { ...homeLayout('/h'), compileCache };
  let [runs, exitCode] = [0, 1];
  const exec = {
    run: (argv: readonly string[], { env }: { env: Record<string, string> }) => {
      t.regex(argv.at(-1)!, /prime-cache\.ts$/);
      t.is(env['NODE_COMPILE_CACHE'], compileCache);
      runs++;
      return Promise.resolve({ exitCode });
    },
  } as unknown as Exec;
  const prime = async (): Promise<number> => {
    await primeCompileCache(exec, home);
    return runs;
  };
  t.is(await prime(), 1);
  exitCode = 0;
  t.is(await prime(), 2, 'it was in vain');
  t.is(await prime(), 2);
  const marker = join(compileCache, 'primed');
  const primedFor = readFileSync(marker, 'utf8');
  t.true(primedFor.startsWith(process.version));
  writeFileSync(marker, primedFor.replace(/\S+$/, 'other-sources'));
  t.is(await prime(), 3, 'the sources are others');
  t.is(readFileSync(marker, 'utf8'), primedFor);
});
