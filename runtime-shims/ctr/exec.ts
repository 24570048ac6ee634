// Decides how `ctr t exec` is asked for a further process in a container, and what its own last words mean. Never runs one outside
// the container's limits and capabilities (nsenter would be faster, and would).
import type { Exec } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import { codeOfFailure, execByTool, type Ended } from '../shared/tool-exec.ts';
import type { CtrCommand } from './command.ts';

export interface ExecTarget {
  id: string;
  execId: string;
  /** `uid:gid` */
  user: string;
  workingDir: string;
  errorsFile: string;
}

const OWN_LINE = 'ctr: ';

export function execInContainer(
  exec: Exec,
  ctr: CtrCommand,
  target: ExecTarget,
  command: readonly string[],
  request: ExecRequest,
): ExecSession {
  const { id, execId, user, workingDir, errorsFile } = target;
  const args = ['tasks', 'exec', '--exec-id', execId, '--user', user, '--cwd', workingDir];
  const tool = {
    argv: ctr.argv([...args, ...(request.tty ? ['--tty'] : []), id, ...command]),
    errorsFile,
    ownLine: OWN_LINE,
    endOf: (exitCode: number, lastLine: string) => endOf(execId, exitCode, lastLine),
    forget: () => forget(ctr, target),
  };
  return execByTool(exec, tool, request);
}

/** ctr's own failures exit 1 as a process may, but say `ctr: …`; told as containerd does. */
function endOf(execId: string, exitCode: number, lastLine: string): Ended | undefined {
  if (exitCode !== 1 || !lastLine.startsWith(OWN_LINE)) return undefined;
  const failure = lastLine.slice(OWN_LINE.length).trimEnd();
  return {
    exitCode: codeOfFailure(failure),
    error: `failed to exec in container: failed to start exec "${execId}": ${failure}`,
  };
}

/** Killing ctr leaves the process behind. */
async function forget(ctr: CtrCommand, { id, execId }: ExecTarget): Promise<void> {
  await ctr.ask(['tasks', 'kill', '--exec-id', execId, '--signal', 'SIGKILL', id]).catch(() => {});
  await ctr.ask(['tasks', 'rm', '--exec-id', execId, id]).catch(() => {});
}
