// Does: what the bench asks of a store, at ours: through the API actor's StoreClient over nats-server, which sends what one
// turn of its event loop wrote as one batch. Never takes a shorter way than an API actor has.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActorContext } from '../../../lib/actor/context.ts';
import { systemChance, systemClock } from '../../../lib/actor/system.ts';
import type { Bus } from '../../../lib/bus/bus.ts';
import type { StoreCommitted, TxnResult } from '../../../lib/bus/messages.ts';
import { patternOf, subjectOf } from '../../../lib/bus/subjects.ts';
import { StoreClient, type TxnRequest } from '../../../services/apiserver/edge/store-client.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { nodeFlags } from '../../../launcher/core/runtimes.ts';
import { COMPILE_CACHE, StoreProcesses } from '../../kit/store-processes.ts';
import { WATCHED, type Processes, type Side } from './side.ts';

const REQUEST_MS = 30_000;
const PROBE_MS = 3_000;
const START_MS = 60_000;
const CAUSE = { span: 'bench', actor: 'bench' };
const CLUSTER = 'c1';
export class OurSide implements Side {
  readonly name = 'ours';
  readonly store: StoreProcesses;
  private readonly bus: Bus;
  private readonly client: StoreClient;

  private readonly monitor: string;

  private constructor(store: StoreProcesses, bus: Bus, monitor: string) {
    this.store = store;
    this.monitor = monitor;
    this.bus = bus;
    const ctx = { bus, cluster: CLUSTER, instance: bus.instance, clock: systemClock, chance: systemChance };
    this.client = new StoreClient(ctx as unknown as ActorContext, store.names);
    // As an API actor's feed does: a new leader says at once that it leads.
    bus.subscribe(patternOf(CLUSTER, 'storeCommitted'), ({ data }) =>
      this.client.members.leads((data as StoreCommitted).member),
    );
  }

  static async start(): Promise<OurSide> {
    const monitor = `127.0.0.1:${(await freePorts(1))[0]}`;
    // With what members find there from their second start on.
    const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env };
    const prime = new URL('prime-cache.ts', import.meta.url).pathname;
    execFileSync(process.execPath, [...nodeFlags('store'), prime], { env });
    const store = await StoreProcesses.start(`http: ${monitor}`);
    try {
      await store.leader(START_MS);
      return new OurSide(store, await store.nats.connect('apiserver-bench'), monitor);
    } catch (error) {
      await store.stop();
      throw error;
    }
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    const result = await this.write({ compares: [], operations: [{ type: 'put', key, value }], cause: CAUSE });
    if (!result.ok) throw new Error(`put ${key}: ${result.reason}`);
    return result.revision;
  }

  async swap(key: string, revision: number, value: Uint8Array): Promise<number | undefined> {
    const compares = [{ key, revision }];
    const result = await this.write({ compares, operations: [{ type: 'put', key, value }], cause: CAUSE });
    return result.ok ? result.revision : undefined;
  }

  private write(request: TxnRequest, timeoutMs = REQUEST_MS): Promise<TxnResult> {
    return this.client.write(request, systemClock.monotonic() + timeoutMs);
  }

  /** What an API actor does: it asks the leader for a revision, and reads its cache, which has it. */
  async readLinearizable(_key: string): Promise<void> {
    await this.client.readIndex(REQUEST_MS);
  }

  async readLinearizableFromMember(key: string): Promise<void> {
    await this.client.readIndex(REQUEST_MS);
    await this.readFromMember(key);
  }

  async readFromMember(key: string): Promise<void> {
    await this.client.query({ query: 'range', prefix: key, after: '', limit: 1, revision: 0 }, REQUEST_MS);
  }

  async probe(key: string, value: Uint8Array): Promise<void> {
    await this.write({ compares: [], operations: [{ type: 'put', key, value }], cause: CAUSE }, PROBE_MS);
  }

  watcherArguments(count: number): string[] {
    return ['ours', this.store.nats.url, String(count), WATCHED, patternOf(CLUSTER, 'storeCommitted')];
  }

  members(): readonly string[] {
    return this.store.names;
  }

  leader(): Promise<string> {
    return this.store.leader(START_MS);
  }

  kill(member: string): Promise<void> {
    return this.store.kill(member);
  }

  signal(member: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.store.signal(member, signal);
  }

  launch(member: string): void {
    this.store.launch(member);
  }

  async answers(member: string, key: string): Promise<void> {
    const subject = subjectOf(CLUSTER, 'storeQuery', { member, noun: 'range', from: this.bus.instance });
    const query = { query: 'range', prefix: key, after: '', limit: 1, revision: 0 };
    for (const until = Date.now() + START_MS; Date.now() < until; await sleep(5)) {
      const reply = await this.bus.request(subject, query, { timeoutMs: 250 }).catch(() => undefined);
      if ((reply as { range?: { items: unknown[] } } | undefined)?.range?.items.length === 1) return;
    }
    throw new Error(`${member} does not answer after ${START_MS} ms`);
  }

  /** Hands leadership to the follower that is furthest; resolves when that is done. */
  async transfer(): Promise<void> {
    await this.store.operate({ operation: 'transfer', to: '' });
  }

  /** Makes every call of its disk hang, from inside, for `forMs`. */
  async stallDisk(member: string, forMs: number): Promise<void> {
    const subject = subjectOf(CLUSTER, 'actorFault', { instance: member, from: this.bus.instance });
    const faults = { disk: { slowMs: forMs } };
    await this.bus.request(subject, { version: 1, id: 'bench', leaseMs: forMs, faults }, { timeoutMs: 2_000 });
  }

  /** What was given to the bus until now, by everybody. */
  async messages(): Promise<{ messages: number; messageBytes: number }> {
    const answer = await fetch(`http://${this.monitor}/varz`);
    const { in_msgs: messages, in_bytes: messageBytes } = (await answer.json()) as Record<string, number>;
    return { messages: messages!, messageBytes: messageBytes! };
  }

  processes(): Processes {
    const members = this.store.names.map((name) => [name, this.store.pid(name)] as const);
    return Object.fromEntries([...members, ['nats', this.store.nats.pid] as const]);
  }

  async stop(): Promise<void> {
    await this.store.stop();
  }
}
