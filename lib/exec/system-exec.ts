// Does: runs programs with execa. Never uses a shell, never decides what to run.
import { execa } from 'execa';
import type { Exec, ExecChild, ExecOptions } from './exec.ts';

function settingsOf(options: ExecOptions | undefined) {
  return {
    reject: false,
    stripFinalNewline: false,
    timeout: options?.timeoutMs ?? 30_000,
    forceKillAfterDelay: 1000,
    ...(options?.env === undefined ? {} : { env: options.env }),
    ...(options?.cwd === undefined ? {} : { cwd: options.cwd }),
  } as const;
}

export const systemExec: Exec = {
  async run(argv, options) {
    const [file, ...args] = argv as [string, ...string[]];
    const input = options?.stdin === undefined ? ({ stdin: 'ignore' } as const) : { input: options.stdin };
    const result = await execa(file, args, { ...settingsOf(options), ...input });
    const failedToStart = result.exitCode === undefined && result.signal === undefined;
    return {
      argv,
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      timedOut: result.timedOut,
      stdout: result.stdout,
      stderr: failedToStart ? `${result.stderr ?? ''}${result.shortMessage ?? ''}` : result.stderr,
    };
  },
  spawn(argv, options): ExecChild {
    const [file, ...args] = argv as [string, ...string[]];
    const child = execa(file, args, {
      ...settingsOf(options),
      timeout: options?.timeoutMs ?? 0,
      buffer: false,
      detached: options?.detached ?? false,
      cleanup: !(options?.detached ?? false),
    });
    if (options?.stdin !== undefined) child.stdin.end(options.stdin);
    return {
      pid: child.pid,
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      ended: child.then((result) => ({ exitCode: result.exitCode ?? null, signal: result.signal ?? null })),
      kill: (signal) => void child.kill(signal),
    };
  },
};
