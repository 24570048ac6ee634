// Does: has a child process ask a Service from where it can be reached, and counts what it says. Never asks by itself:
// this process lives outside the cluster's network.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecChild } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { Availability } from '../core/availability.ts';
import { CELL_MS } from './api-load.ts';

/** As text: where it runs there may be no such file. */
const PROGRAM = readFileSync(new URL('service-requests.ts', import.meta.url), 'utf8');
const AGAIN_MS = 500;

interface Told {
  ok: number;
  failed: number;
  why: string;
}

export class ServiceLoad {
  seen: Availability;
  /** Why the last one failed. */
  why = '';
  readonly #argv: string[];
  readonly #ending = new AbortController();
  readonly #ended: Promise<void>;
  #child: ExecChild | undefined;

  constructor({ client, url, clients }: { client: readonly string[]; url: string; clients: number }) {
    this.seen = new Availability(performance.now(), CELL_MS);
    this.#argv = [...client, '--input-type=module-typescript', '--eval', PROGRAM, url, String(clients)];
    this.#ended = this.#keepAsking();
  }

  begin(): void {
    this.seen = new Availability(performance.now(), CELL_MS);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    // A signal does not pass into a container; the end of its input does.
    this.#child?.stdin?.end();
    this.#child?.kill('SIGTERM');
    await this.#ended;
  }

  /** Where the place itself can die, no client there gets an answer until it is back. */
  async #keepAsking(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const child = systemExec.spawn(this.#argv);
      this.#child = child;
      child.stdin?.on('error', () => {});
      createInterface({ input: child.stdout }).on('line', (line) => this.#note(JSON.parse(line) as Told));
      createInterface({ input: child.stderr }).on('line', (line) => (this.why = line));
      await child.ended;
      if (signal.aborted) return;
      this.seen.note(performance.now(), false);
      await pause(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  #note({ ok, failed, why }: Told): void {
    for (let i = 0; i < ok; i++) this.seen.note(performance.now(), true);
    for (let i = 0; i < failed; i++) this.seen.note(performance.now(), false);
    if (failed > 0) this.why = why;
  }
}

/** One request from where Services can be reached. */
export async function reaches(client: readonly string[], url: string): Promise<boolean> {
  const script = `fetch(process.argv[1],{signal:AbortSignal.timeout(2000)}).then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))`;
  const ran = await systemExec.run([...client, '--eval', script, url], { timeoutMs: 10_000 });
  return ran.exitCode === 0;
}
