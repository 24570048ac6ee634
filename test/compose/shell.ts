// Does: runs the programs of the compose test: what they print, how they end, within a limit. Never hides a failure.
import { execa } from 'execa';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export async function run(
  argv: readonly string[],
  {
    env = {},
    timeoutMs = 120_000,
    cwd,
    input,
  }: { env?: Record<string, string>; timeoutMs?: number; cwd?: string; input?: string } = {},
): Promise<Ran> {
  const [file, ...args] = argv as [string, ...string[]];
  const result = await execa(file, args, {
    env,
    timeout: timeoutMs,
    reject: false,
    stripFinalNewline: false,
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  const late = result.timedOut ? `\n(ended after ${timeoutMs / 1000} s)` : '';
  return { code: result.exitCode ?? 1, out: result.stdout, err: `${result.stderr}${late}` };
}

/** What it printed; throws with its last words when it failed. */
export async function must(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<string> {
  const { code, out, err } = await run(argv, options);
  if (code === 0) return out;
  const words = `${err}\n${out}`.trim().split('\n').slice(-12).join('\n');
  throw new Error(`\`${argv.join(' ').slice(0, 200)}\` ended with ${code}: ${words}`);
}

/** Tries until it neither throws nor gives undefined; throws with the last reason when it took too long. */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  limitMs = 120_000,
): Promise<T> {
  let last = 'nothing yet';
  for (const until = Date.now() + limitMs; Date.now() < until; await new Promise((go) => setTimeout(go, 500))) {
    try {
      const found = await attempt();
      if (found !== undefined) return found;
    } catch (error) {
      last = (error as Error).message;
    }
  }
  throw new Error(`waited ${limitMs / 1000} s in vain: ${what}; last: ${last}`);
}
