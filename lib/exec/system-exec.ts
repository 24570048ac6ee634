// Does: runs programs with execa. Never uses a shell, never decides what to run.
import { createRequire } from 'node:module';
import type { Exec, ExecChild, ExecOptions } from './exec.ts';

/** Loaded at the first run: most actors never run anything, and it costs each of them 0.1 s and 20 MiB. */
let loaded: typeof import('execa') | undefined;
function load(): typeof import('execa') {
  return (loaded ??= createRequire(import.meta.url)('execa') as typeof import('execa'));
}

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
    const result = await load().execa(file, args, { ...settingsOf(options), ...input });
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
    const child = load().execa(file, args, {
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
