// Does: runs three members of etcd on this machine as Debian ships it, with fsync, on real files. Never leaves one running:
// `stop` kills all. Needs `etcd` in the PATH (apt: etcd-server). `load` runs etcd's own load generator, too: `benchmark` from
// ETCD_BENCHMARK, or built once with `go`, outside of the repository, from the Go module proxy.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChild } from '../kit/end-child.ts';
import { eventually } from '../kit/eventually.ts';
import { freePorts } from '../kit/free-ports.ts';
import { GrpcClient, message } from './store/grpc.ts';

const MODULE = 'go.etcd.io/etcd/v3/tools/benchmark';
const VERSION = 'v3.5.17';
const START_MS = 60_000;

export interface Measured {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export class EtcdProcesses {
  readonly names = ['e1', 'e2', 'e3'];
  private readonly directory = mkdtempSync(join(tmpdir(), 'flotilla-etcd-'));
  private readonly children = new Map<string, ChildProcess>();
  private readonly clientPorts: number[];
  private readonly peerPorts: number[];

  private constructor(ports: number[]) {
    this.clientPorts = ports.slice(0, 3);
    this.peerPorts = ports.slice(3);
  }

  static async start(): Promise<EtcdProcesses> {
    const etcd = new EtcdProcesses(await freePorts(6));
    for (const name of etcd.names) etcd.launch(name);
    try {
      await etcd.serves();
    } catch (error) {
      await etcd.stop();
      throw error;
    }
    return etcd;
  }

  /** Waits until a write is acknowledged. */
  private async serves(): Promise<void> {
    const client = new GrpcClient(this.addressOf('e1'));
    try {
      const put = message([1, 'began'], [2, 'began']);
      await eventually('etcd takes a write', () => client.call('/etcdserverpb.KV/Put', put, 1_000), START_MS);
    } finally {
      client.close();
    }
  }

  /** One run of etcd's `benchmark` against the leader; rates and latencies as it prints them. */
  async load(args: readonly string[]): Promise<Measured> {
    const endpoints = this.names.map((name) => this.addressOf(name)).join(',');
    const text = await output(findBenchmark(), ['--precise', '--endpoints', endpoints, '--target-leader', ...args]);
    // Of several tables (puts, then events) the last is what was asked for.
    const number = (pattern: RegExp): number => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? Number.NaN);
    return {
      perSecond: number(/Requests\/sec:\s+([\d.e-]+)/g),
      p50Ms: number(/50% in ([\d.e-]+) secs/g) * 1_000,
      p99Ms: number(/99% in ([\d.e-]+) secs/g) * 1_000,
    };
  }

  /** Where clients find it. */
  addressOf(name: string): string {
    return `127.0.0.1:${this.clientPorts[this.names.indexOf(name)]}`;
  }

  launch(name: string): void {
    const client = `http://${this.addressOf(name)}`;
    const peer = (each: string): string => `http://127.0.0.1:${this.peerPorts[this.names.indexOf(each)]}`;
    const cluster = this.names.map((each) => `${each}=${peer(each)}`).join(',');
    const child = spawn(
      'etcd',
      `--name ${name} --data-dir ${join(this.directory, name)} --initial-cluster ${cluster}
      --listen-client-urls ${client} --advertise-client-urls ${client}
      --listen-peer-urls ${peer(name)} --initial-advertise-peer-urls ${peer(name)}
      --initial-cluster-state new --log-level error --quota-backend-bytes 8000000000`.split(/\s+/),
      { stdio: 'ignore' },
    );
    child.on('error', (error) => {
      throw new Error(`etcd cannot be started (apt-get install etcd-server): ${error.message}`);
    });
    this.children.set(name, child);
  }

  pid(name: string): number {
    return this.children.get(name)!.pid!;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.children.get(name)?.kill(signal);
  }

  async kill(name: string): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    await endChild(child);
  }

  async stop(): Promise<void> {
    await Promise.all(this.names.map((name) => this.kill(name)));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`benchmark ${args.join(' ')} exited ${code}: ${text}`)),
    );
  });
}

function findBenchmark(): string {
  const given = process.env['ETCD_BENCHMARK'];
  if (given !== undefined) return given;
  const built = join(tmpdir(), `flotilla-etcd-benchmark-${VERSION}`);
  const program = join(built, 'benchmark');
  if (existsSync(program)) return program;
  console.error(`building etcd's benchmark ${VERSION} in ${built} (once)`);
  mkdirSync(built, { recursive: true });
  const env = { ...process.env, GOFLAGS: '-mod=mod', PATH: `${process.env['PATH']}:/usr/local/go/bin` };
  const go = (...args: string[]): unknown =>
    execFileSync('go', args, { cwd: built, env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (!existsSync(join(built, 'go.mod'))) go('mod', 'init', 'benchmark');
  go('get', `${MODULE}@${VERSION}`);
  go('build', '-o', program, MODULE);
  return program;
}
