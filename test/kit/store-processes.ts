// Does: runs members of the store as processes of their own over a real nats-server and real disks, so that a test can
// kill and stop them for real. Never leaves one behind: `stop` kills all.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../lib/bus/bus.ts';
import { nodeEnvironment, nodeFlags } from '../../launcher/core/runtimes.ts';
import { StoreOperator } from '../../launcher/edge/store-operator.ts';
import type { StoreOperation, StoreOperationReply, StoreQueryReply, StoreStatus } from '../../lib/bus/messages.ts';
import { endChild } from './end-child.ts';
import { startNats, type TestNats } from './nats-server.ts';
import { patience } from './patience.ts';
import { StoreTestClient } from './store-test-client.ts';

const CLUSTER = 'c1';

export interface StoreProcessesOptions {
  /** A member's credential; absent: it has none. */
  seedFileOf?: (name: string) => string;
  /** Where a member keeps its data, when not in the directory of the test. */
  dataDirOf?: (name: string) => string | undefined;
  /** Starts a member again that ended by itself, as a supervisor would. */
  restarts?: boolean;
}

const RESTART_MS = 300;
/** As the launcher gives it to members: without it, most of a start is compiling. */
export const COMPILE_CACHE = new URL('../../node_modules/.cache/compile', import.meta.url).pathname;

/** With what whoever starts the members has set until then. */
const environment = (): NodeJS.ProcessEnv => ({
  NODE_COMPILE_CACHE: COMPILE_CACHE,
  ...process.env,
  ...nodeEnvironment('store'),
});

export class StoreProcesses {
  readonly names = ['store-1', 'store-2', 'store-3'];
  readonly nats: TestNats;
  /** Members that were there at the beginning. */
  private readonly first = [...this.names];
  private readonly directory: string;
  private readonly children = new Map<string, ChildProcess>();
  private readonly bus: Bus;
  private readonly options: StoreProcessesOptions;
  /** How often each member ended by itself. */
  readonly deaths = new Map<string, number>();

  private constructor(nats: TestNats, bus: Bus, options: StoreProcessesOptions) {
    this.nats = nats;
    this.bus = bus;
    this.options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'flotilla-store-'));
  }

  /** `natsConfig`: more of it, as text. */
  static async start(natsConfig = '', options: StoreProcessesOptions = {}): Promise<StoreProcesses> {
    const nats = await startNats(natsConfig);
    const processes = new StoreProcesses(nats, await nats.connect('apiserver-status'), options);
    for (const name of processes.names) processes.launch(name);
    return processes;
  }

  launch(name: string): void {
    const file = join(this.directory, `${name}.json`);
    const actor = {
      cluster: CLUSTER,
      actor: 'store',
      instance: name,
      nats: { servers: [this.nats.url], seedFile: this.options.seedFileOf?.(name) ?? '' },
      logLevel: 'warn',
      settings: {
        dataDir: this.directoryOf(name),
        clusterId: 'test-cluster',
        members: this.first.includes(name) ? this.first : [],
      },
    };
    writeFileSync(file, JSON.stringify(actor));
    const program = new URL('store-process.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [...nodeFlags('store'), program, file], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: environment(),
    });
    this.children.set(name, child);
    child.once('exit', () => {
      if (this.children.get(name) !== child || this.options.restarts !== true) return;
      this.deaths.set(name, (this.deaths.get(name) ?? 0) + 1);
      setTimeout(() => {
        if (this.children.get(name) === child) this.launch(name);
      }, RESTART_MS);
    });
  }

  /** One more process with an empty directory: it waits for the leader to add it. */
  launchNew(name: string): void {
    this.names.push(name);
    this.launch(name);
  }

  /** Its process and its directory go: it was removed. */
  async retire(name: string): Promise<void> {
    await this.kill(name);
    this.names.splice(this.names.indexOf(name), 1);
    rmSync(this.directoryOf(name), { recursive: true, force: true });
  }

  /** SIGTERM, as a rolling restart does; resolves when the process has ended by itself. */
  async drain(name: string): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    await endChild(child, 'SIGTERM');
  }

  /** Asks whoever leads until it is done; throws what it is refused for. */
  async operate(operation: StoreOperation, timeoutMs = 120_000): Promise<StoreOperationReply> {
    const operator = new StoreOperator(this.bus, CLUSTER, this.names);
    return operator.operate(operation, timeoutMs);
  }

  async votes(name: string, timeoutMs = 120_000): Promise<void> {
    for (const goesOn = patience(timeoutMs); goesOn();) {
      const status = await this.status(await this.leader());
      if (status?.voters.includes(name) === true) return;
      await sleep(50);
    }
    throw new Error(`${name} does not vote after ${timeoutMs} ms`);
  }

  /** What a disk holds for it; to be touched only while it is down. */
  directoryOf(name: string): string {
    return this.options.dataDirOf?.(name) ?? join(this.directory, name);
  }

  pid(name: string): number {
    return this.children.get(name)!.pid!;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.children.get(name)?.kill(signal);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    await endChild(child);
  }

  async stop(): Promise<void> {
    await Promise.all(this.names.map((name) => this.kill(name)));
    await this.nats.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async client(instance: string): Promise<StoreTestClient> {
    return new StoreTestClient(await this.nats.connect(instance), CLUSTER, this.names);
  }

  async status(name: string): Promise<StoreStatus | undefined> {
    const subject = `${CLUSTER}.store.qry.${name}.status.${this.bus.instance}`;
    const reply = await this.bus.request(subject, { query: 'status' }, { timeoutMs: 500 }).catch(() => undefined);
    return (reply as Extract<StoreQueryReply, { status: StoreStatus }> | undefined)?.status;
  }

  /** The member that leads, with a majority that agrees. */
  async leader(timeoutMs = 120_000): Promise<string> {
    for (const goesOn = patience(timeoutMs); goesOn();) {
      const statuses = (await Promise.all(this.names.map((name) => this.status(name)))).filter(
        (each) => each !== undefined,
      );
      for (const { member, role, term, voters } of statuses) {
        const agree = statuses.filter(
          (status) => status.leader === member && status.term === term && voters.includes(status.member),
        );
        if (role === 'leader' && agree.length * 2 > voters.length) return member;
      }
      await sleep(20);
    }
    throw new Error(`no leader within ${timeoutMs} ms`);
  }

  /** Waits until all have the same revision and the same hash. */
  async converged(timeoutMs = 120_000): Promise<number> {
    const until = performance.now() + timeoutMs;
    let seen = '';
    while (performance.now() < until) {
      const statuses = await Promise.all(this.names.map((name) => this.status(name)));
      const texts = statuses.map((status) => `${status?.revision} ${status?.hash}`);
      if (statuses.every((status) => status !== undefined) && new Set(texts).size === 1) return statuses[0]!.revision;
      seen = texts.join('; ');
      await sleep(50);
    }
    throw new Error(`members do not converge: ${seen}`);
  }
}
