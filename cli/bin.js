#!/usr/bin/env node
// Does: starts the command line with a Node that runs TypeScript: this one, or the one that npm brought along. Never
// reads an option.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const modern = Number(process.versions.node.split('.')[0]) >= 24;

if (modern) await import(main);
else {
  const { platform, arch } = process;
  const names = [`node-${platform}-${arch}`, `node-bin-${platform}-${arch}`];
  const require = createRequire(import.meta.url);
  const found = names.flatMap((name) => {
    try {
      return [require.resolve(`${name}/bin/node`)];
    } catch {
      return [];
    }
  });
  const node = found.find((path) => existsSync(path));
  if (node === undefined) {
    console.error(
      `error: flotilla needs Node 24.12 or newer, this is ${process.versions.node}: run \`npm ci\` in its folder, or install a newer Node`,
    );
    process.exit(1);
  }
  const result = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(result.status ?? 1);
}
