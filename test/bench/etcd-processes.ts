// Does: runs three members of etcd on this machine as Debian ships it, with fsync, on real files, and etcd's own load
// generator against them. Never leaves one running: `stop` kills all. Needs `etcd` (apt: etcd-server) and either `benchmark`
// in the PATH, its path in ETCD_BENCHMARK, or `go`, which builds it outside of the repository from the Go module proxy.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MODULE = 'go.etcd.io/etcd/v3/tools/benchmark';
const VERSION = 'v3.5.17';
const FIRST_PORT = 23_790;
/** What reads ask for: a value of 1 KiB. */
export const READ_KEY = '00000001';

export interface Measured {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export class EtcdProcesses {
  private readonly directory = mkdtempSync(join(tmpdir(), 'flotilla-etcd-'));
  private readonly children: ChildProcess[] = [];
  private readonly benchmark: string;
  /** Client addresses; the leader's alone once it is known. */
  endpoints = '';

  private constructor(benchmark: string) {
    this.benchmark = benchmark;
  }

  static async start(): Promise<EtcdProcesses> {
    const etcd = new EtcdProcesses(findBenchmark());
    const names = ['e1', 'e2', 'e3'];
    const url = (i: number, peer: boolean): string => `http://127.0.0.1:${FIRST_PORT + i * 2 + (peer ? 1 : 0)}`;
    const cluster = names.map((name, i) => `${name}=${url(i, true)}`).join(',');
    for (const [i, name] of names.entries())
      etcd.children.push(
        spawn(
          'etcd',
          `--name ${name} --data-dir ${join(etcd.directory, name)} --initial-cluster ${cluster}
          --listen-client-urls ${url(i, false)} --advertise-client-urls ${url(i, false)}
          --listen-peer-urls ${url(i, true)} --initial-advertise-peer-urls ${url(i, true)}
          --initial-cluster-state new --log-level error --quota-backend-bytes 8000000000`.split(/\s+/),
          { stdio: 'ignore' },
        ),
      );
    etcd.endpoints = names.map((_, i) => url(i, false).slice('http://'.length)).join(',');
    await etcd.untilHealthy();
    etcd.control('put', READ_KEY, 'v'.repeat(1_024));
    return etcd;
  }

  /** One run of etcd's `benchmark`; rates and latencies as it prints them. */
  async load(args: readonly string[]): Promise<Measured> {
    const text = await this.run(['--endpoints', this.endpoints, '--target-leader', ...args]);
    // Of several tables (puts, then events) the last is what was asked for.
    const number = (pattern: RegExp): number => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? Number.NaN);
    return {
      perSecond: number(/Requests\/sec:\s+([\d.e-]+)/g),
      p50Ms: number(/50% in ([\d.e-]+) secs/g) * 1_000,
      p99Ms: number(/99% in ([\d.e-]+) secs/g) * 1_000,
    };
  }

  stop(): void {
    for (const child of this.children) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private control(...args: string[]): void {
    execFileSync('etcdctl', ['--endpoints', this.endpoints, ...args], {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: 'ignore',
    });
  }

  private async untilHealthy(): Promise<void> {
    for (const until = Date.now() + 30_000; Date.now() < until; await sleep(200))
      try {
        this.control('endpoint', 'health');
        return;
      } catch {
        // not yet
      }
    throw new Error('etcd did not become healthy within 30 s');
  }

  private run(args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.benchmark, ['--precise', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (part: string) => (text += part));
      child.on('error', reject);
      child.on('close', (code) =>
        code === 0 ? resolve(text) : reject(new Error(`benchmark ${args.join(' ')} exited ${code}: ${text}`)),
      );
    });
  }
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
