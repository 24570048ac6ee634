// Does: asks one URL with a few clients, each time on a new connection, until it is ended; prints how it went five times a
// second as a line of JSON. Never retries: a request that fails is what it is there to find.
// Run: as a file or as text, `node … URL [clients] [pauseMs]`, in a place where the Service can be reached.
import { get } from 'node:http';

const [url = '', clients = '2', pauseMs = '20'] = process.argv.slice(
  process.argv.findIndex((word) => word.startsWith('http')),
);
const TIMEOUT_MS = 3000;
const TELL_MS = 200;
let counted = { ok: 0, failed: 0, why: '' };

function once(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    request.on('error', reject);
  });
}

async function loop(): Promise<void> {
  for (;;) {
    await once().then(
      () => counted.ok++,
      (error: NodeJS.ErrnoException) => {
        counted.failed++;
        counted.why = error.code ?? error.message;
      },
    );
    await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)));
  }
}

setInterval(() => {
  if (counted.ok + counted.failed > 0) process.stdout.write(`${JSON.stringify(counted)}\n`);
  counted = { ok: 0, failed: 0, why: '' };
}, TELL_MS);
// Whoever reads it has gone: nobody would ever end it.
process.stdout.on('error', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
for (let i = 0; i < Number(clients); i++) void loop();
