// Does: builds a real kube-apiserver, for what is recorded and for what is measured beside ours:
// `node test/conformance/upstream/fetch.ts DIR`; then UPSTREAM=DIR. Never starts one.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, VERSION, writeModule } from './go-module.ts';

const { positionals } = parseArgs({ allowPositionals: true });
if (positionals.length !== 1) throw new Error('usage: fetch.ts DIR (needs Go 1.24 or newer)');
const dir = resolve(positionals[0]!);
await writeModule(dir);
const file = build(dir, 'kube-apiserver', ['build', '-o', 'kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver']);
console.log(`kube-apiserver ${VERSION} is ${file}: set UPSTREAM=${dir}`);
