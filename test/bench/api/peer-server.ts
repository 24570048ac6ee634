// Does: is the least that a server over HTTP/2 can do with an object: parse it, keep it in a map, answer it. Never checks,
// never makes anything durable: its figures are the ceiling of the transport on the same machine in the same run.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { randomUUID } from 'node:crypto';

const [certFile, keyFile, caFile] = process.argv.slice(2) as [string, string, string];
const objects = new Map<string, Buffer>();
let revision = 0;

interface Sent {
  metadata?: { name?: string };
  data?: Record<string, string>;
}

function keep(path: string, value: Sent): Buffer {
  const metadata = { ...value.metadata, uid: randomUUID(), resourceVersion: String(++revision) };
  const bytes = Buffer.from(JSON.stringify({ ...value, metadata }));
  objects.set(path, bytes);
  return bytes;
}

function answer(method: string, path: string, body: Buffer): Buffer | undefined {
  if (method === 'GET') return objects.get(path);
  const sent = JSON.parse(body.toString()) as Sent;
  if (method === 'POST') return keep(`${path}/${sent.metadata?.name}`, sent);
  const stored = objects.get(path);
  if (stored === undefined) return undefined;
  const before = JSON.parse(stored.toString()) as Sent;
  return keep(path, { ...before, data: { ...before.data, ...sent.data } });
}

const server = createSecureServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(caFile) },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = answer(request.method, request.url, Buffer.concat(chunks));
      response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': 'application/json' });
      if (bytes === undefined) response.end();
      else response.end(bytes);
    });
  },
);
server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit(0));
