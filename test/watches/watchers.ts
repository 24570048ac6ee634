// Does: watches as an informer does: keeps the revision of the last event, and after each break goes on from there. Counts
// what it would have to relist for. Never asks for what was before.
import type { ClientHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from './link.ts';

export interface Seen {
  type: string;
  name: string;
  revision: number;
}

const PAUSE_MS = 50;

export class Watcher {
  readonly seen: Seen[] = [];
  /** What a server said that a watch cannot go on from. */
  readonly errors: string[] = [];
  /** Streams that were opened and answered. */
  opened = 0;
  #revision: string;
  #isClosed = false;
  readonly #link: Link;
  readonly #path: string;

  /** `path` with its selectors; events after `revision` are watched. */
  constructor(link: Link, path: string, revision: string) {
    this.#link = link;
    this.#path = path;
    this.#revision = revision;
    void this.#run();
  }

  /** Of the last event. */
  get revision(): number {
    return this.seen.at(-1)?.revision ?? 0;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const separator = this.#path.includes('?') ? '&' : '?';
      const path = `${this.#path}${separator}watch=true&resourceVersion=${this.#revision}`;
      try {
        await this.#read(await this.#link.stream('GET', path));
      } catch {
        // The link broke before the watch began: it begins again.
      }
      await sleep(PAUSE_MS);
    }
  }

  #read(stream: ClientHttp2Stream): Promise<void> {
    return new Promise((resolve) => {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('response', (headers) => {
        if (headers[':status'] === 200) this.opened++;
      });
      stream.on('data', (part: string) => {
        const lines = (rest + part).split('\n');
        rest = lines.pop()!;
        for (const line of lines) this.#take(JSON.parse(line));
      });
      stream.on('error', () => {});
      stream.on('close', () => resolve());
    });
  }

  #take({ type, object }: { type: string; object: any }): void {
    if (type === 'ERROR') return void this.errors.push(String(object.message));
    this.#revision = object.metadata.resourceVersion;
    if (type !== 'BOOKMARK') this.seen.push({ type, name: object.metadata.name, revision: Number(this.#revision) });
  }
}
