// Does: brings up a whole real cluster through the CLI, as a user would, and gives a test its handles: commands, kills,
// requests from inside a node, patience. Never reaches into an actor.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readKubeconfig } from '../../cli/edge/session.ts';
import { HttpsTransport } from '../../lib/client/https-transport.ts';
import { eventually } from './eventually.ts';
import { storyOf } from './tell-on-failure.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** argv in; exit and output out. Never rejects. */
export function run(
  argv: readonly string[],
  options: { stdin?: string; env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(argv[0]!, argv.slice(1), {
      cwd: ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 280_000);
    child.on('error', (error) => (stderr += error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128, stdout, stderr });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
  });
}

/** A program that runs until `stop`, what it has said so far, and its exit code. */
export function follow(argv: readonly string[]): { said(): string; stop(): void; ended: Promise<number> } {
  const child = spawn(argv[0]!, argv.slice(1), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => resolve(((said += error.message), 127)));
    child.once('close', (code) => resolve(code ?? 128));
  });
  return { said: () => said, stop: () => void child.kill('SIGKILL'), ended };
}

interface UnitStatus {
  unit: string;
  pid?: number;
  state: string;
}

export interface TestClusterOptions {
  /** Unique among the tests that run on this machine. */
  name: string;
  args?: readonly string[];
}

export class TestCluster {
  readonly home: string;
  readonly name: string;
  readonly #args: readonly string[];
  readonly #traffic = new Set<ReturnType<typeof spawn>>();

  constructor(options: TestClusterOptions) {
    this.name = options.name;
    this.home = mkdtempSync(join(tmpdir(), `flotilla-${options.name}-`));
    this.#args = options.args ?? [];
  }

  async up(...more: string[]): Promise<Ran> {
    const ran = await this.flotilla('up', '--name', this.name, ...this.#args, ...more);
    if (ran.code !== 0) {
      console.error(await storyOf(this));
      throw new Error(`flotilla up exited ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
    }
    await this.#takesPods();
    return ran;
  }

  /** A namespace takes pods once the controller manager has given it a service account; a new one waits for its first. */
  async #takesPods(): Promise<void> {
    const api = new HttpsTransport(readKubeconfig(join(this.home, 'kubeconfig')).server);
    const path = '/api/v1/namespaces/default/serviceaccounts/default';
    try {
      await eventually(
        `${this.name} takes pods`,
        async () => (await api.request({ method: 'GET', path })).code === 200,
      );
    } finally {
      api.close();
    }
  }

  /** The API's port on this machine: `up` takes the first free one. */
  get port(): number {
    return (JSON.parse(readFileSync(join(this.home, 'cluster.json'), 'utf8')) as { ports: { api: number } }).ports.api;
  }

  /** Any command of the CLI on this cluster. */
  flotilla(...args: string[]): Promise<Ran> {
    return run([process.execPath, 'cli/main.ts', '--home', this.home, ...args]);
  }

  /** The CLI with standard input. */
  feed(stdin: string, ...args: string[]): Promise<Ran> {
    return run([process.execPath, 'cli/main.ts', '--home', this.home, ...args], { stdin });
  }

  /** Like `flotilla`, but anything but exit code 0 is an error. */
  async must(...args: string[]): Promise<string> {
    const ran = await this.flotilla(...args);
    if (ran.code !== 0) throw new Error(`flotilla ${args.join(' ')} exited ${ran.code}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout;
  }

  kubectl(...args: string[]): Promise<Ran> {
    return run(['kubectl', '--kubeconfig', join(this.home, 'kubeconfig'), ...args], { env: { HOME: this.home } });
  }

  /** One object or list as JSON. */
  async get<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.must('get', ...args, '-o', 'json')) as T;
  }

  async apply(manifest: string): Promise<Ran> {
    return this.feed(manifest, 'apply', '-f', '-');
  }

  async mustApply(manifest: string): Promise<void> {
    const ran = await this.apply(manifest);
    if (ran.code !== 0) throw new Error(`flotilla apply exited ${ran.code}: ${ran.stderr}`);
  }

  async units(): Promise<UnitStatus[]> {
    return JSON.parse(await this.must('status', '-o', 'json')) as UnitStatus[];
  }

  async pidOf(unit: string): Promise<number> {
    const found = (await this.units()).find((one) => one.unit === unit);
    if (found?.pid === undefined) throw new Error(`unit ${unit} does not run`);
    return found.pid;
  }

  async kill(unit: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const pid = await this.pidOf(unit);
    process.kill(pid, signal);
    return pid;
  }

  /** Runs a program in the network namespace of a node. */
  async inNode(node: string, argv: readonly string[], timeoutMs = 120_000): Promise<Ran> {
    return run(['nsenter', `--net=/run/netns/${await this.netnsOf(node)}`, ...argv], { timeoutMs });
  }

  /**
   * One GET from inside a node, on a new connection: code 0 and the body, or code 1 and why not. The limit is long for who
   * asks what must answer, on however busy a machine; who asks what must not gives a short one.
   */
  ask(node: string, url: string, timeoutMs = 30_000): Promise<Ran> {
    const script = `fetch(process.argv[1], { signal: AbortSignal.timeout(${timeoutMs}) }).then(async (r) => { console.log((await r.text()).trim()); process.exit(r.ok ? 0 : 1); }, (e) => { console.error(String(e.cause ?? e)); process.exit(1); })`;
    return this.inNode(node, [process.execPath, '-e', script, url]);
  }

  /** The supervisor names the namespace; tests must not guess it. */
  async netnsOf(node: string): Promise<string> {
    const listed = await run(['ip', 'netns', 'list']);
    const found = listed.stdout
      .split('\n')
      .map((line) => line.split(' ')[0]!)
      .find((name) => name.includes(this.name) && name.endsWith(node));
    if (found === undefined) throw new Error(`no network namespace of ${node} among: ${listed.stdout}`);
    return found;
  }

  /** Requests from a node without a pause until `stop`, which returns the count. */
  async traffic(node: string, url: string, pauseMs = 5): Promise<{ stop(): Promise<TrafficCount> }> {
    const argv = [
      'nsenter',
      `--net=/run/netns/${await this.netnsOf(node)}`,
      process.execPath,
      'test/kit/traffic.ts',
      url,
      String(pauseMs),
    ];
    const child = spawn(argv[0]!, argv.slice(1), { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#traffic.add(child);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
    return {
      stop: async () => {
        const closed = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGTERM');
        await closed;
        this.#traffic.delete(child);
        return JSON.parse(out) as TrafficCount;
      },
    };
  }

  async down(): Promise<Ran> {
    for (const child of this.#traffic) child.kill('SIGKILL');
    const ran = await this.flotilla('down', '--purge');
    rmSync(this.home, { recursive: true, force: true });
    return ran;
  }
}

export interface TrafficCount {
  ok: number;
  failed: number;
  answers: Record<string, number>;
  errors: Record<string, number>;
  longestGapMs: number;
}
