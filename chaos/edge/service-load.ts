// Does: has a child process ask a Service from where it can be reached, and counts what it says. Never asks by itself:
// this process lives outside the cluster's network.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecChild } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { Availability } from '../core/availability.ts';
import { CELL_MS } from './api-load.ts';

const PROGRAM = fileURLToPath(new URL('service-requests.ts', import.meta.url));

interface Told {
  ok: number;
  failed: number;
  why: string;
}

export class ServiceLoad {
  seen: Availability;
  /** Why the last one failed. */
  why = '';
  readonly #child: ExecChild;

  constructor(options: { client: readonly string[]; url: string; clients: number }) {
    this.seen = new Availability(performance.now(), CELL_MS);
    const argv = [...options.client, process.execPath, PROGRAM, options.url, String(options.clients)];
    this.#child = systemExec.spawn(argv);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#note(JSON.parse(line) as Told));
    createInterface({ input: this.#child.stderr }).on('line', (line) => (this.why = line));
  }

  begin(): void {
    this.seen = new Availability(performance.now(), CELL_MS);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#child.ended;
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
  const ran = await systemExec.run([...client, process.execPath, '-e', script, url], { timeoutMs: 10_000 });
  return ran.exitCode === 0;
}
