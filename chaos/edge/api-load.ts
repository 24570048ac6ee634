// Does: writes and reads ConfigMaps through every API actor with a few clients, and keeps what was asked and answered, when.
// Never repeats a write: whether one without an answer happened is for the history to tell.
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiResponse } from '../../lib/bus/messages.ts';
import type { Chance } from '../../lib/base/chance.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { HttpsTransport } from '../../lib/client/https-transport.ts';
import { Availability } from '../core/availability.ts';
import type { Entry, WriteEntry } from '../core/history.ts';
import type { Load } from '../core/scenario.ts';

export const CELL_MS = 250;
/** Keys that are written and read at one time: few, so that clients meet on them. */
const POOL = 6;
/** Of so many writes one makes a new key: short histories are checked quickly, and each new key shows a loss for good. */
const WRITES_A_KEY = 4;
const REFUSED_PAUSE_MS = 50;
/** Refusals that change nothing, for certain. */
const REFUSALS = new Set([400, 401, 403, 404, 405, 409, 413, 415, 422, 429]);

export interface ApiLoadOptions {
  transports: readonly HttpsTransport[];
  namespace: string;
  load: Load;
  chance: Chance;
}

interface Asked {
  call: number;
  return: number;
  /** undefined: no answer. */
  answer: ApiResponse | undefined;
  text: string;
}

export class ApiLoad {
  /** Times are of this process's monotonic clock: one that is set back in the middle would make lies of all. */
  readonly #entries: Entry[] = [];
  writes: Availability;
  reads: Availability;
  fromCache = 0;
  lastWrite = 'nothing asked yet';
  lastRead = 'nothing asked yet';
  readonly #options: ApiLoadOptions;
  readonly #pool: string[] = [];
  readonly #stopping = new AbortController();
  #clients: Array<Promise<void>> = [];
  #number = 0;

  constructor(options: ApiLoadOptions) {
    this.#options = options;
    this.writes = new Availability(performance.now(), CELL_MS);
    this.reads = new Availability(performance.now(), CELL_MS);
  }

  start(): void {
    const { writers, readers } = this.#options.load;
    const loop = (name: string, first: number, once: (client: Client) => Promise<boolean>): Promise<void> =>
      this.#loop({ name, server: first }, once);
    this.#clients = [
      ...Array.from({ length: writers }, (_, i) => loop(`writer-${i + 1}`, i, (client) => this.#write(client))),
      ...Array.from({ length: readers }, (_, i) => loop(`reader-${i + 1}`, i, (client) => this.#read(client))),
    ];
  }

  /** From here on gaps count. */
  begin(): void {
    const now = performance.now();
    this.writes = new Availability(now, CELL_MS);
    this.reads = new Availability(now, CELL_MS);
    this.fromCache = 0;
  }

  /** With times from then on. */
  entriesSince(startMs: number): Entry[] {
    return this.#entries.map((entry) => ({ ...entry, call: entry.call - startMs, return: entry.return - startMs }));
  }

  /** What is under way is waited for: an answer that comes late is still one. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#clients);
  }

  /** What each API actor holds in the end; the first one's word is final, the others' must not be older. */
  async readAll(deadlineMs: number): Promise<void> {
    const keys = new Set(this.#entries.map(({ key }) => key));
    for (const [i, transport] of this.#options.transports.entries()) {
      const { call, items } = await this.#listAll(transport, deadlineMs);
      const end = performance.now();
      for (const key of keys) {
        const { value, revision } = items.get(key) ?? { value: undefined, revision: 0 };
        const base = { type: 'read', client: `final-${i + 1}`, key, value, revision, call, return: end } as const;
        this.#entries.push(i === 0 ? { ...base, final: true } : base);
      }
    }
  }

  async #listAll(
    transport: HttpsTransport,
    deadlineMs: number,
  ): Promise<{ call: number; items: Map<string, { value: string; revision: number }> }> {
    let last = '';
    while (performance.now() < deadlineMs) {
      const asked = await this.#ask(transport, { method: 'GET', path: this.#path() });
      if (asked.answer?.code === 200 && !isFromCache(asked.answer)) {
        const items = (asked.answer.body as { items: ConfigMapBody[] }).items.map((item) => [
          item.metadata.name,
          { value: item.data?.['value'] ?? '', revision: Number(item.metadata.resourceVersion) },
        ]);
        return { call: asked.call, items: new Map(items as Array<[string, { value: string; revision: number }]>) };
      }
      last = asked.text;
      await pause(300);
    }
    throw new Error(`the end of the history could not be read from ${transport.server}: ${last}`);
  }

  async #loop(client: Client, once: (client: Client) => Promise<boolean>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const isFine = await once(client);
      // Behind a load balancer a client would be sent to another one; here it goes there itself.
      if (!isFine) client.server++;
      await pause(isFine ? this.#options.load.pauseMs : REFUSED_PAUSE_MS);
    }
  }

  async #write(client: Client): Promise<boolean> {
    const number = ++this.#number;
    const isNew = this.#pool.length < 2 || number % WRITES_A_KEY === 0;
    const key = isNew ? `w-${number}` : this.#pool[this.#options.chance.int(this.#pool.length)]!;
    const value = `v-${number}`;
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: key }, data: { value } };
    const path = isNew ? this.#path() : this.#path(key);
    const asked = await this.#ask(this.#serverOf(client), { method: isNew ? 'POST' : 'PUT', path, body });
    const { answer, call } = asked;
    const isAcknowledged = answer !== undefined && answer.code < 300;
    this.writes.note(asked.return, isAcknowledged);
    this.lastWrite = asked.text;
    if (answer !== undefined && REFUSALS.has(answer.code)) return answer.code === 409;
    const revision = isAcknowledged ? Number((answer.body as ConfigMapBody).metadata.resourceVersion) : undefined;
    const entry: WriteEntry = { type: 'write', client: client.name, key, value, call, return: asked.return, revision };
    this.#entries.push(entry);
    if (isAcknowledged && isNew) this.#keep(key);
    return isAcknowledged;
  }

  async #read(client: Client): Promise<boolean> {
    if (this.#pool.length === 0) return true;
    const key = this.#pool[this.#options.chance.int(this.#pool.length)]!;
    const asked = await this.#ask(this.#serverOf(client), { method: 'GET', path: this.#path(key) });
    const { answer, call } = asked;
    const isAnswered = answer !== undefined && (answer.code === 200 || answer.code === 404);
    this.reads.note(asked.return, isAnswered);
    this.lastRead = asked.text;
    if (!isAnswered) return false;
    if (isFromCache(answer)) this.fromCache++;
    else {
      const body = answer.code === 200 ? (answer.body as ConfigMapBody) : undefined;
      const revision = Number(body?.metadata.resourceVersion ?? 0);
      const value = body?.data?.['value'];
      this.#entries.push({ type: 'read', client: client.name, key, value, revision, call, return: asked.return });
    }
    return true;
  }

  #keep(key: string): void {
    this.#pool.push(key);
    if (this.#pool.length > POOL) this.#pool.shift();
  }

  #path(key?: string): string {
    const path = `/api/v1/namespaces/${this.#options.namespace}/configmaps`;
    return key === undefined ? path : `${path}/${key}`;
  }

  #serverOf({ server }: Client): HttpsTransport {
    const { transports } = this.#options;
    return transports[server % transports.length]!;
  }

  async #ask(transport: HttpsTransport, request: Parameters<HttpsTransport['request']>[0]): Promise<Asked> {
    const { load } = this.#options;
    const call = performance.now();
    try {
      const answer = await transport.request(request, { signal: AbortSignal.timeout(load.timeoutMs) });
      const end = performance.now();
      return { call, return: end, answer, text: answerText(answer, end - call) };
    } catch (error) {
      const end = performance.now();
      return { call, return: end, answer: undefined, text: troubleText(error, end - call) };
    }
  }
}

interface Client {
  name: string;
  server: number;
}

interface ConfigMapBody {
  metadata: { name: string; resourceVersion: string };
  data?: Record<string, string>;
}

const isFromCache = (answer: ApiResponse): boolean => (answer.warnings ?? []).length > 0;

function answerText(answer: ApiResponse, tookMs: number): string {
  const took = `in ${Math.round(tookMs)} ms`;
  if (answer.code >= 400) return `${answer.code} ${took}: ${(answer.body as { message?: string }).message ?? ''}`;
  const [warning] = answer.warnings ?? [];
  return warning === undefined ? `${answer.code} ${took}` : `${answer.code} ${took}, warning: ${warning}`;
}

function troubleText(error: unknown, tookMs: number): string {
  const isTimeout = /aborted|timeout/i.test(messageOf(error));
  return isTimeout ? `no answer in ${(tookMs / 1000).toFixed(0)} s` : messageOf(error);
}
