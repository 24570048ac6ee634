// Does: runs `ctr` against one containerd and one of its namespaces, and tells a runtime that is gone from a runtime
// that refuses. Never retries.
import { describeFailure, type Exec, type ExecOptions, type ExecResult } from '../../lib/exec/exec.ts';
import { ShimError, type ShimErrorKind } from '../contract.ts';

/** Without a socket, ctr would wait 10 s; a hung daemon would hang it for ever. */
const CONNECT_TIMEOUT = '1s';
const DEFAULT_TIMEOUT_MS = 30_000;
const GONE =
  /connection refused|failed to dial|connection error|dial unix|context deadline exceeded|transport is closing/;

export class CtrCommand {
  readonly address: string;
  readonly namespace: string;
  readonly #exec: Exec;

  constructor(exec: Exec, address: string, namespace: string) {
    this.#exec = exec;
    this.address = address;
    this.namespace = namespace;
  }

  argv(args: readonly string[]): string[] {
    return [
      'ctr',
      '--address',
      this.address,
      '--namespace',
      this.namespace,
      '--connect-timeout',
      CONNECT_TIMEOUT,
      ...args,
    ];
  }

  /** The result, whatever it says; throws ShimError Unavailable when containerd did not answer. */
  async ask(args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.judged(await this.#exec.run(this.argv(args), { timeoutMs: DEFAULT_TIMEOUT_MS, ...options }));
  }

  /** A refusal is a result; silence is ShimError Unavailable. */
  judged(result: ExecResult): ExecResult {
    if (result.exitCode === 0) return result;
    if (result.timedOut || result.exitCode === null || GONE.test(result.stderr))
      throw new ShimError('Unavailable', `containerd at ${this.address} does not answer: ${describeFailure(result)}`);
    return result;
  }

  /** Standard output; throws `kind` when ctr exits with anything but 0. */
  async run(args: readonly string[], kind: ShimErrorKind, options: ExecOptions = {}): Promise<string> {
    const result = await this.ask(args, options);
    if (result.exitCode !== 0) throw new ShimError(kind, whyOf(result));
    return result.stdout;
  }

  /** As `run`, but what is not there counts as done. */
  async runIfThere(args: readonly string[], kind: ShimErrorKind): Promise<void> {
    const result = await this.ask(args);
    if (result.exitCode !== 0 && !isNotFound(result)) throw new ShimError(kind, whyOf(result));
  }
}

export function isNotFound(result: ExecResult): boolean {
  return /not found|no running task found/.test(result.stderr);
}

/** What ctr says after its name, from its last line. */
export function whyOf(result: ExecResult): string {
  const line = result.stderr
    .trim()
    .split('\n')
    .findLast((text) => text.startsWith('ctr: '));
  return line === undefined ? describeFailure(result) : line.slice('ctr: '.length);
}
