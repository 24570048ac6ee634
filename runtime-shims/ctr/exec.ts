// Does: runs a further process in a container with `ctr t exec`, with or without a terminal. Never runs it outside the
// container's limits and capabilities (nsenter would be faster, and would).
import { readFile, readlink } from 'node:fs/promises';
import type { Exec, ExecChild } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import type { CtrCommand } from './command.ts';

export interface ExecTarget {
  id: string;
  execId: string;
  /** `uid:gid` */
  user: string;
  workingDir: string;
}

export function execInContainer(
  exec: Exec,
  ctr: CtrCommand,
  target: ExecTarget,
  command: readonly string[],
  request: ExecRequest,
): ExecSession {
  const args = ['tasks', 'exec', '--exec-id', target.execId, '--user', target.user, '--cwd', target.workingDir];
  const argv = ctr.argv([...args, ...(request.tty ? ['--tty'] : []), target.id, ...command]);
  const child = exec.spawn(request.tty ? withTerminal(argv) : argv, {
    ...(request.stdin ? {} : { stdin: '' }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString();
  });
  return {
    stdin: request.stdin ? child.stdin : null,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: child.ended.then((end) => finish(ctr, target, end, said)),
    resize: (width, height) => void resize(exec, child, width, height),
    kill: () => child.kill('SIGTERM'),
  };
}

/** ctr wants a terminal for --tty: `script` makes one and passes the exit code on. */
function withTerminal(argv: readonly string[]): string[] {
  const command = argv.map(quote).join(' ');
  return [
    'script',
    '--quiet',
    '--flush',
    '--return',
    '--command',
    `stty rows 24 cols 80; exec ${command}`,
    '/dev/null',
  ];
}

/** `script` takes one line for a shell; everything in it that came from a user stands between single quotes. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** ctr's own failures exit 1 as well, but say `ctr: …`. */
async function finish(
  ctr: CtrCommand,
  target: ExecTarget,
  end: { exitCode: number | null; signal: string | null },
  said: string,
): Promise<{ exitCode: number; error?: string }> {
  if (end.exitCode === null) {
    // Killing ctr leaves the process behind.
    await ctr.ask(['tasks', 'kill', '--exec-id', target.execId, '--signal', 'SIGKILL', target.id]).catch(() => {});
    await ctr.ask(['tasks', 'rm', '--exec-id', target.execId, target.id]).catch(() => {});
    return { exitCode: 137, error: `the command was ended by ${end.signal ?? 'its time limit'}` };
  }
  const failure = /^ctr: (.*)$/m.exec(said)?.[1];
  if (end.exitCode === 1 && failure !== undefined)
    return { exitCode: /executable file not found|no such file/.test(failure) ? 127 : 126, error: failure };
  return { exitCode: end.exitCode };
}

async function resize(exec: Exec, child: ExecChild, width: number, height: number): Promise<void> {
  if (child.pid === undefined) return;
  // The terminal belongs to script's child, which is ctr.
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
  const pid = children.trim().split(' ')[0];
  if (pid === undefined || pid === '') return;
  const terminal = await readlink(`/proc/${pid}/fd/0`).catch(() => undefined);
  if (terminal !== undefined) await exec.run(['stty', '-F', terminal, 'rows', String(height), 'cols', String(width)]);
}
