// Does: writes to and reads from a real store with some clients at once, and writes down who asked what when, and what it was
// told. Never checks it (real-history.ts), and never gives a client that was not answered another word.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyInput } from '../../chaos/core/key-model.ts';
import type { Compare, Operation } from '../../lib/bus/messages.ts';
import { patience } from '../kit/patience.ts';
import type { StoreProcesses } from '../kit/store-processes.ts';
import type { StoreTestClient } from '../kit/store-test-client.ts';
import type { Asked } from './real-history.ts';

const KEYS = 5;
const VALUE_BYTES = 400;
const PAUSE_MS = 4;
/** Beyond it an operation counts as one whose outcome nobody knows. */
const PATIENCE_MS = 20_000;

/** A number from 0 to 1, from a seed in whoever makes it. */
export type Draw = () => number;

export class Load {
  private readonly store: StoreProcesses;
  private readonly draw: Draw;
  private room = '';
  private asked: Asked[] = [];
  private readonly busy = new Set<Promise<void>>();
  private stopped = false;
  private names = 0;
  private work: Promise<unknown> = Promise.resolve();
  /** Operations that were answered, over all rooms. */
  answered = 0;

  constructor(store: StoreProcesses, draw: Draw) {
    this.store = store;
    this.draw = draw;
  }

  async start(clients: number, room: string): Promise<void> {
    this.room = room;
    const all = await Promise.all(Array.from({ length: clients }, () => this.newClient()));
    this.work = Promise.all(all.map((client) => this.run(client)));
    this.work.catch(() => (this.stopped = true));
  }

  /** From here on other keys; resolves with everything that was asked of those before, when all of it has ended. */
  async enter(room: string): Promise<Asked[]> {
    const { asked } = this;
    this.room = room;
    this.asked = [];
    while (this.busy.size > 0) await Promise.all(this.busy);
    return asked;
  }

  /** Waits for so many more answers: the store goes on. */
  async more(count: number, timeoutMs = 240_000): Promise<void> {
    const wanted = this.answered + count;
    for (const goesOn = patience(timeoutMs); this.answered < wanted; await sleep(10)) {
      if (this.stopped) await this.work;
      if (!goesOn()) throw new Error(`${wanted - this.answered} of ${count} answers are missing`);
    }
  }

  async stop(): Promise<Asked[]> {
    this.stopped = true;
    await this.work;
    return this.asked;
  }

  private async newClient(): Promise<{ client: StoreTestClient; name: string }> {
    const name = `apiserver-load${++this.names}`;
    return { client: await this.store.client(name), name };
  }

  private async run(who: { client: StoreTestClient; name: string }): Promise<void> {
    const revisions = new Map<string, number>();
    let { client, name } = who;
    for (let i = 0; !this.stopped; i++) {
      const { asked } = this;
      const key = `${this.room}/${Math.floor(this.draw() * KEYS)}`;
      const input = this.inputFor(key, `${name}#${i}`, revisions.get(key) ?? 0);
      const entry: Asked = { client: name, input, call: performance.now(), return: Infinity };
      asked.push(entry);
      const doing = ask(client, entry);
      this.busy.add(doing);
      await doing;
      this.busy.delete(doing);
      const revision = entry.result?.ok === true ? entry.result.revision : entry.found?.revision;
      if (revision !== undefined) revisions.set(key, revision);
      if (entry.return === Infinity) ({ client, name } = await this.newClient());
      else this.answered++;
      await sleep(PAUSE_MS);
    }
  }

  private inputFor(key: string, value: string, revision: number): KeyInput {
    const kind = this.draw();
    if (kind < 0.4) return { type: 'read', key };
    if (kind < 0.7) return { type: 'put', key, value };
    if (kind < 0.92) return { type: 'compare', key, revision, value };
    return { type: 'delete', key };
  }
}

/** Whatever is thrown means that the outcome is not known. */
async function ask(client: StoreTestClient, entry: Asked): Promise<void> {
  const { input } = entry;
  try {
    if (input.type === 'read') {
      const item = (await client.read(input.key, PATIENCE_MS)).find(({ key }) => key === input.key);
      const value = item === undefined ? undefined : Buffer.from(item.value).toString('latin1').split(' ')[0]!;
      entry.found = { value, revision: item?.modRevision ?? 0 };
    } else {
      const { operations, compares } = txnOf(input);
      const result = await client.txn(operations, compares, PATIENCE_MS);
      // Nobody knows any more whether it was applied.
      if (!result.ok && result.reason !== 'conflict') throw new Error(result.message);
      entry.result = result;
    }
    entry.return = performance.now();
  } catch {
    entry.return = Infinity;
  }
}

function txnOf(input: Exclude<KeyInput, { type: 'read' }>): { operations: Operation[]; compares: Compare[] } {
  const { key } = input;
  if (input.type === 'delete') return { operations: [{ type: 'delete', key }], compares: [] };
  const value = Buffer.from(`${input.value} `.padEnd(VALUE_BYTES, '.'));
  const compares = input.type === 'compare' ? [{ key, revision: input.revision }] : [];
  return { operations: [{ type: 'put', key, value }], compares };
}
