// Does: runs a further process in a container with `ctr t exec`, with or without a terminal. Never runs it outside the
// container's limits and capabilities (nsenter would be faster, and would), and never passes ctr's own words on as its.
import { readFile, rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import type { Exec } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import { HeldLine } from '../shared/held-line.ts';
import { TerminalSize, withTerminal } from '../shared/terminal.ts';
import type { CtrCommand } from './command.ts';

export interface ExecTarget {
  id: string;
  execId: string;
  /** `uid:gid` */
  user: string;
  workingDir: string;
  /** Where ctr's own words go while the container has the terminal; removed afterwards. */
  errorsFile: string;
}

/** How a line of ctr's own begins. */
const OWN_LINE = 'ctr: ';

type Ended = { exitCode: number; error?: string };

export function execInContainer(
  exec: Exec,
  ctr: CtrCommand,
  target: ExecTarget,
  command: readonly string[],
  request: ExecRequest,
): ExecSession {
  const args = ['tasks', 'exec', '--exec-id', target.execId, '--user', target.user, '--cwd', target.workingDir];
  const argv = ctr.argv([...args, ...(request.tty ? ['--tty'] : []), target.id, ...command]);
  const child = exec.spawn(request.tty ? withTerminal(argv, { errorsTo: target.errorsFile, isRelay: true }) : argv, {
    ...(request.stdin ? {} : { stdin: '' }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  });
  const size = new TerminalSize(exec, () => child.pid, { isRelay: true });
  const errors = child.stderr.pipe(new HeldLine(OWN_LINE));
  const finish = async (): Promise<Ended> => {
    const { exitCode, signal } = await child.ended;
    const last = request.tty ? await lastWords(target.errorsFile) : await errors.lastLine;
    const end = endOf(target.execId, exitCode, signal, last);
    errors.finish(end === undefined ? last : '');
    if (exitCode === null) await forget(ctr, target);
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

/** undefined: the last line is the process's own. ctr's own failures exit 1 as well, but say `ctr: …`; told as containerd does. */
function endOf(execId: string, exitCode: number | null, signal: string | null, lastLine: string): Ended | undefined {
  if (exitCode === null) return { exitCode: 137, error: `the command was ended by ${signal ?? 'its time limit'}` };
  if (exitCode !== 1 || !lastLine.startsWith(OWN_LINE)) return undefined;
  const failure = lastLine.slice(OWN_LINE.length).trimEnd();
  return {
    exitCode: /executable file not found|no such file/.test(failure) ? 127 : 126,
    error: `failed to exec in container: failed to start exec "${execId}": ${failure}`,
  };
}

/** Killing ctr leaves the process behind. */
async function forget(ctr: CtrCommand, target: ExecTarget): Promise<void> {
  await ctr.ask(['tasks', 'kill', '--exec-id', target.execId, '--signal', 'SIGKILL', target.id]).catch(() => {});
  await ctr.ask(['tasks', 'rm', '--exec-id', target.execId, target.id]).catch(() => {});
}

async function lastWords(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  await rm(file, { force: true });
  return text.trimEnd().split('\n').at(-1) ?? '';
}
