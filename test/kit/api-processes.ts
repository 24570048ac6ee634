// Does: runs API actors as processes of their own over three members of the store, so that a test can kill them for real
// and speak to them as any client would. Never leaves one behind: `stop` kills all.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFlags } from '../../launcher/core/runtimes.ts';
import { adminCredentials, apiSettings, layApiFiles, type ApiCredentials } from './api-settings.ts';
import { endChild } from './end-child.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './free-ports.ts';
import { StoreProcesses } from './store-processes.ts';

const CLUSTER = 'c1';
const PROBE_MS = 5_000;

export class ApiProcesses {
  readonly store: StoreProcesses;
  readonly names: readonly string[];
  readonly credentials: ApiCredentials;
  readonly #directory: string;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #children = new Map<string, ChildProcess>();

  private constructor(
    store: StoreProcesses,
    directory: string,
    ports: Map<string, number>,
    credentials: ApiCredentials,
  ) {
    this.store = store;
    this.names = [...ports.keys()];
    this.credentials = credentials;
    this.#directory = directory;
    this.#ports = ports;
  }

  /** Resolves when each of the actors is ready for requests. */
  static async start(count = 1): Promise<ApiProcesses> {
    const directory = mkdtempSync(join(tmpdir(), 'flotilla-apis-'));
    const store = await StoreProcesses.start();
    let processes: ApiProcesses | undefined;
    try {
      const ports = await freePorts(count);
      const names = new Map(ports.map((port, i) => [`apiserver-${i + 1}`, port]));
      processes = new ApiProcesses(store, directory, names, await prepare(directory));
      await store.leader();
      for (const name of processes.names) processes.launch(name);
      for (const name of processes.names) await processes.ready(name);
      return processes;
    } catch (error) {
      await (processes?.stop() ?? store.stop());
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  url(name = this.names[0]!): string {
    return `https://127.0.0.1:${this.#ports.get(name)}`;
  }

  pid(name = this.names[0]!): number {
    return this.#children.get(name)!.pid!;
  }

  /** Certificate, key and CA of the servers, for another server in their place. */
  get serverFiles(): string[] {
    return ['server.crt', 'server.key', 'ca.crt'].map((name) => join(this.#directory, name));
  }

  launch(name: string): void {
    const file = join(this.#directory, `${name}.json`);
    const actor = {
      cluster: CLUSTER,
      actor: 'apiserver',
      instance: name,
      nats: { servers: [this.store.nats.url], seedFile: '' },
      logLevel: 'warn',
      settings: apiSettings(CLUSTER, this.#directory, this.#ports.get(name)!, this.store.names),
    };
    writeFileSync(file, JSON.stringify(actor));
    const program = new URL('api-process.ts', import.meta.url).pathname;
    const argv = [...nodeFlags('apiserver'), program, file];
    this.#children.set(name, spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] }));
  }

  ready(name: string): Promise<unknown> {
    return eventually(`${name} is ready`, async () => (await this.#probe(name)) === 200);
  }

  /** SIGKILL, or another signal that ends it; resolves when it is gone. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    await endChild(child, signal);
  }

  async stop(): Promise<void> {
    await Promise.all(this.names.map((name) => this.kill(name)));
    await this.store.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #probe(name: string): Promise<number> {
    return new Promise((resolve) => {
      const asked = request(
        `${this.url(name)}/readyz`,
        { ...this.credentials, agent: false, timeout: PROBE_MS },
        (response) => {
          response.resume();
          resolve(response.statusCode!);
        },
      );
      asked.on('error', () => resolve(0));
      asked.on('timeout', () => asked.destroy());
      asked.end();
    });
  }
}

async function prepare(directory: string): Promise<ApiCredentials> {
  const authority = await layApiFiles(directory);
  writeFileSync(join(directory, 'tokens.csv'), '');
  return adminCredentials(directory, authority);
}
