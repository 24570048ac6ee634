// Decides nothing: the shape of running a program as actors see it. argv in; exit, output, signal out; never a shell.

export interface ExecOptions {
  /** Written to the program's standard input, which is then closed. */
  stdin?: string | Uint8Array;
  /** Added to the program's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** SIGTERM after this, SIGKILL a second later. Default 30 s. */
  timeoutMs?: number;
}

export interface ExecResult {
  argv: readonly string[];
  /** null when a signal ended it or it could not be started. */
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  stdout: string;
  stderr: string;
}

/** A program that goes on running: its output as it comes, its end as a promise that never rejects. */
export interface ExecChild {
  readonly pid: number | undefined;
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  readonly ended: Promise<{ exitCode: number | null; signal: string | null }>;
  kill(signal?: NodeJS.Signals): void;
}

export interface Exec {
  /** Never rejects: a program that cannot be started has exitCode null and the reason in stderr. */
  run(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  spawn(argv: readonly string[], options?: ExecOptions & { detached?: boolean }): ExecChild;
}

/** One line for an error message: what ran, how it ended, the last line that it said. */
export function describeFailure(result: ExecResult): string {
  const said = result.stderr.trim().split('\n').at(-1) ?? '';
  const how = result.timedOut
    ? 'timed out'
    : result.signal !== null
      ? `was ended by ${result.signal}`
      : `exited ${result.exitCode}`;
  return `\`${result.argv.join(' ')}\` ${how}${said === '' ? '' : `: ${said}`}`;
}
