// Decides how `nerdctl exec` is asked for a further process in a container, and what its last words mean: nerdctl (2.1) ends with 1
// whatever the process ended with, and says the code in a line of its own. Never runs one outside the container.
import type { Exec } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import { codeOfFailure, execByTool, type Ended } from '../shared/tool-exec.ts';

export interface NerdctlExec {
  /** `nerdctl --address …` */
  base: readonly string[];
  id: string;
  errorsFile: string;
}

export function execByNerdctl(
  exec: Exec,
  { base, id, errorsFile }: NerdctlExec,
  command: readonly string[],
  request: ExecRequest,
): ExecSession {
  const flags = [...(request.stdin ? ['--interactive'] : []), ...(request.tty ? ['--tty'] : [])];
  const argv = [...base, 'exec', ...flags, id, ...command];
  return execByTool(exec, { argv, errorsFile, ownLine: 'time="', endOf }, request);
}

/** undefined: the code is what nerdctl (or docker) ended with. */
export function endOf(_exitCode: number, lastLine: string): Ended | undefined {
  const said = /^time="[^"]*" level=fatal msg="((?:[^"\\]|\\.)*)"\s*$/.exec(lastLine)?.[1]?.replaceAll('\\"', '"');
  if (said === undefined) return undefined;
  const code = /^exec failed with exit code (\d+)$/.exec(said)?.[1];
  return code === undefined ? { exitCode: codeOfFailure(said), error: said } : { exitCode: Number(code) };
}
