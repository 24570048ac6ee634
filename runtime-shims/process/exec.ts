// Does: runs a further process beside a container's: in its namespaces and root where it has them, with its environment.
// Never with the kubelet's own environment.
import { PassThrough } from 'node:stream';
import type { Exec, ExecChild } from '../../lib/exec/exec.ts';
import type { ExecRequest, ExecSession } from '../contract.ts';
import type { ProcessRecord } from './index.ts';
import { TerminalSize, withTerminal } from '../shared/terminal.ts';

const NOT_FOUND = /failed to execute|No such file or directory|not found/;

export interface ProcessTarget {
  record: ProcessRecord;
  enterScript: string;
  processOf(): Promise<{ pid: number } | undefined>;
}

export function execProcess(
  exec: Exec,
  target: ProcessTarget,
  command: readonly string[],
  request: ExecRequest,
): ExecSession {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let child: ExecChild | undefined;
  const { promise: started, resolve: hasStarted } = Promise.withResolvers<void>();
  const size = new TerminalSize(exec, () => child?.pid);
  const run = async (): Promise<{ exitCode: number; error?: string }> => {
    const process = await target.processOf();
    if (process === undefined) return { exitCode: 126, error: `container ${target.record.state.name} is not running` };
    const argv = argvOf(target, process.pid, command);
    child = exec.spawn(request.tty ? withTerminal(argv) : argv, {
      ...(request.stdin ? {} : { stdin: '' }),
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    });
    hasStarted();
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)));
    if (request.stdin && child.stdin !== null) stdin.pipe(child.stdin);
    child.stdout.pipe(stdout);
    child.stderr.pipe(stderr);
    const end = await child.ended;
    if (end.exitCode === null)
      return { exitCode: 137, error: `the command was ended by ${end.signal ?? 'its time limit'}` };
    const isMissing = (end.exitCode === 127 || end.exitCode === 126) && NOT_FOUND.test(said);
    return isMissing ? { exitCode: end.exitCode, error: said.trim() } : { exitCode: end.exitCode };
  };
  const finish = async (): Promise<{ exitCode: number; error?: string }> => {
    const end = await run().catch((error: unknown) => ({ exitCode: 126, error: String(error) }));
    if (child === undefined) {
      stdout.end();
      stderr.end();
    }
    return end;
  };
  return {
    stdin: request.stdin ? stdin : null,
    stdout,
    stderr,
    ended: finish(),
    resize: (width, height) => void started.then(() => size.set(width, height)),
    kill: () => child?.kill('SIGTERM'),
  };
}

function argvOf({ record, enterScript }: ProcessTarget, pid: number, command: readonly string[]): string[] {
  const clean = ['/bin/sh', enterScript];
  if (!record.isRooted) return [...clean, ...command];
  const namespaces = ['--user', '--mount', '--uts', '--ipc', '--preserve-credentials'];
  const place = [`--root=/proc/${pid}/root`, `--wd=/proc/${pid}/root${record.program.workingDir}`];
  return [...clean, '/usr/bin/nsenter', '--target', String(pid), ...namespaces, ...place, ...command];
}
