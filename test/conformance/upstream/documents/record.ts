// Does: asks a real kube-apiserver for its documents and writes down their digest:
// `UPSTREAM=folder node test/conformance/upstream/documents/record.ts`. Never asks ours.
import { writeFileSync } from 'node:fs';
import { startPeer } from '../peer.ts';
import { collect } from './collect.ts';

const peer = await startPeer();
try {
  const lines = Object.entries(await collect(peer)).map((entry) =>
    entry.map((part) => JSON.stringify(part)).join(': '),
  );
  writeFileSync(new URL('recorded.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
  console.log(`${lines.length} parts of documents recorded`);
} finally {
  await peer.stop();
}
