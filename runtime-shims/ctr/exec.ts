// Does: runs a further process in a container with `ctr t exec`, with or without a terminal. Never runs it outside the
// container's limits and capabilities (nsenter would be faster, and would).
import type { Exec } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import { TerminalSize, withTerminal } from '../shared/terminal.ts';
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
  const child = exec.spawn(request.tty ? withTerminal(argv, { isRelay: true }) : argv, {
    ...(request.stdin ? {} : { stdin: '' }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  });
  const size = new TerminalSize(exec, () => child.pid);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString();
  });
  return {
    stdin: request.stdin ? child.stdin : null,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: child.ended.then((end) => finish(ctr, target, end, said)),
    resize: (width, height) => size.set(width, height),
    kill: () => child.kill('SIGTERM'),
  };
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
