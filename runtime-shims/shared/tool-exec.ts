// Does: runs a further process in a container through a runtime's own program (ctr, nerdctl), with or without a terminal, and
// tells how it ended. Never passes the program's own words on as the process's.
import { readFile, rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import type { Exec } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import { HeldLine } from './held-line.ts';
import { TerminalSize, withTerminal } from './terminal.ts';

export type Ended = { exitCode: number; error?: string };

export interface ToolExec {
  argv: readonly string[];
  /** Where the tool's own words go while the container has the terminal; removed afterwards. */
  errorsFile: string;
  /** How a line of the tool's own begins. */
  ownLine: string;
  /** undefined: the last line is the process's own, and so is the code. */
  endOf(exitCode: number, lastLine: string): Ended | undefined;
  /** What to do when the tool was ended before the process was. */
  forget?(): Promise<void>;
}

export function execByTool(exec: Exec, tool: ToolExec, request: ExecRequest): ExecSession {
  const { argv, errorsFile } = tool;
  const child = exec.spawn(request.tty ? withTerminal(argv, { errorsTo: errorsFile, isRelay: true }) : argv, {
    ...(request.stdin ? {} : { stdin: '' }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  });
  const size = new TerminalSize(exec, () => child.pid, { isRelay: true });
  const errors = child.stderr.pipe(new HeldLine(tool.ownLine));
  const finish = async (): Promise<Ended> => {
    const { exitCode, signal } = await child.ended;
    const last = request.tty ? await lastWords(errorsFile) : await errors.lastLine;
    const end = exitCode === null ? endedBy(signal) : tool.endOf(exitCode, last);
    errors.finish(end === undefined ? last : '');
    if (exitCode === null) await tool.forget?.();
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

/** As a shell would tell a command that it cannot start. */
export function codeOfFailure(said: string): number {
  return /executable file not found|no such file/.test(said) ? 127 : 126;
}

function endedBy(signal: string | null): Ended {
  return { exitCode: 137, error: `the command was ended by ${signal ?? 'its time limit'}` };
}

async function lastWords(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  await rm(file, { force: true });
  return text.trimEnd().split('\n').at(-1) ?? '';
}
