// Does: runs a further process in a container with `nerdctl exec`. nerdctl (2.1) ends with 1 whatever the process ended
// with, and says the code in a last line of its own: that line is read here. Never passes that line on as the process's.
import { readFile, rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import type { Exec } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import { HeldLine } from '../shared/held-line.ts';
import { TerminalSize, withTerminal } from '../shared/terminal.ts';

export interface NerdctlExec {
  /** `nerdctl --address …` */
  base: readonly string[];
  id: string;
  /** Where nerdctl's own words go while the container has the terminal; removed afterwards. */
  errorsFile: string;
}

/** How a line of nerdctl's own log begins. */
const OWN_LINE = 'time="';

type Ended = { exitCode: number; error?: string };

export function execByNerdctl(
  exec: Exec,
  target: NerdctlExec,
  command: readonly string[],
  request: ExecRequest,
): ExecSession {
  const flags = [...(request.stdin ? ['--interactive'] : []), ...(request.tty ? ['--tty'] : [])];
  const argv = [...target.base, 'exec', ...flags, target.id, ...command];
  const child = exec.spawn(request.tty ? withTerminal(argv, { errorsTo: target.errorsFile, isRelay: true }) : argv, {
    ...(request.stdin ? {} : { stdin: '' }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  });
  const size = new TerminalSize(exec, () => child.pid, { isRelay: true });
  const errors = child.stderr.pipe(new HeldLine(OWN_LINE));
  const finish = async (): Promise<Ended> => {
    const { exitCode, signal } = await child.ended;
    const last = request.tty ? await lastWords(target.errorsFile) : await errors.lastLine;
    const end = endOf(exitCode, signal, last);
    errors.finish(end === undefined ? last : '');
    return end ?? { exitCode: exitCode! };
  };
  return {
    stdin: request.stdin ? child.stdin : null,
    // As many steps as the other output takes: what is printed first is told first.
    stdout: child.stdout.pipe(new PassThrough()),
    stderr: errors,
    ended: finish(),
    resize: (width, height) => size.set(width, height),
    kill: () => child.kill('SIGTERM'),
  };
}

/** undefined: the last line is the process's own, and its code is what nerdctl (or docker) ended with. */
export function endOf(exitCode: number | null, signal: string | null, lastLine: string): Ended | undefined {
  if (exitCode === null) return { exitCode: 137, error: `the command was ended by ${signal ?? 'its time limit'}` };
  const said = /^time="[^"]*" level=fatal msg="((?:[^"\\]|\\.)*)"\s*$/.exec(lastLine)?.[1]?.replaceAll('\\"', '"');
  if (said === undefined) return undefined;
  const code = /^exec failed with exit code (\d+)$/.exec(said)?.[1];
  if (code !== undefined) return { exitCode: Number(code) };
  return { exitCode: /executable file not found|no such file/.test(said) ? 127 : 126, error: said };
}

async function lastWords(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  await rm(file, { force: true });
  return text.trimEnd().split('\n').at(-1) ?? '';
}
