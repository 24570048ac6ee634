// Does: builds programs of one Kubernetes release, unmodified, from the modules that Go's proxy has, in a folder outside the
// repository. Never builds again what is there.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const VERSION = '1.33.13';
/** Its own module has no release of this patch in the proxy; the suite only uses its types. */
const SAMPLE_APISERVER = 'v0.33.4';

interface Module {
  GoMod: string;
}

/** Staging modules are replaced in Kubernetes' own go.mod by folders; for others they are modules of the same release. */
export async function writeModule(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'go.mod');
  if (existsSync(file)) return;
  const { GoMod } = JSON.parse(go(dir, ['mod', 'download', '-json', `k8s.io/kubernetes@v${VERSION}`])) as Module;
  const staging = [...(await readFile(GoMod, 'utf8')).matchAll(/^\t(k8s\.io\/\S+) => \.\/staging/gm)].map(
    (match) => match[1]!,
  );
  const version = `v0.${VERSION.slice(VERSION.indexOf('.') + 1)}`;
  const replaced = staging.map(
    (name) => `\t${name} => ${name} ${name === 'k8s.io/sample-apiserver' ? SAMPLE_APISERVER : version}`,
  );
  const head = `module upstream\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v${VERSION}\n\n`;
  await writeFile(file, `${head}replace (\n${replaced.join('\n')}\n)\n`);
}

/** Returns the program's file; `argv` of `go`. */
export function build(dir: string, name: string, argv: readonly string[], env: Record<string, string> = {}): string {
  const file = join(dir, name);
  if (existsSync(file)) return file;
  console.log(`go ${argv.join(' ')}`);
  go(dir, argv, env);
  return file;
}

/** Where the sources of a module are. */
export const folderOf = (dir: string, module: string): string =>
  go(dir, ['list', '-m', '-f', '{{.Dir}}', module]).trim();

function go(dir: string, argv: readonly string[], extra: Record<string, string> = {}): string {
  const env = { ...process.env, GOFLAGS: '-mod=mod', ...extra };
  return execFileSync('go', argv, { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
