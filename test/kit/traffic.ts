// Does: asks one URL again and again, each time on a new connection, until SIGTERM; prints what it counted as JSON.
// Never retries: a request that fails is what it is there to find. Run: `node test/kit/traffic.ts URL [pauseMs]`.
import { get } from 'node:http';

interface Counted {
  ok: number;
  failed: number;
  /** Body → how often. */
  answers: Record<string, number>;
  errors: Record<string, number>;
  longestGapMs: number;
}

/** What went nowhere stays without an answer; on a busy machine one may come late. */
const PATIENCE_MS = 15_000;
const [url, pause = '5'] = process.argv.slice(2) as [string, string?];
const counted: Counted = { ok: 0, failed: 0, answers: {}, errors: {}, longestGapMs: 0 };
let lastOk = performance.now();
let stopping = false;

function once(): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: PATIENCE_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(body.trim()) : reject(new Error(`status ${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
  });
}

function note(into: Record<string, number>, key: string): void {
  into[key] = (into[key] ?? 0) + 1;
}

process.on('SIGTERM', () => (stopping = true));
while (!stopping) {
  try {
    note(counted.answers, await once());
    counted.ok++;
    counted.longestGapMs = Math.max(counted.longestGapMs, Math.round(performance.now() - lastOk));
    lastOk = performance.now();
  } catch (error) {
    counted.failed++;
    note(counted.errors, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
  }
  await new Promise((resolve) => setTimeout(resolve, Number(pause)));
}
console.log(JSON.stringify(counted));
