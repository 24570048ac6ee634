// Does: gives a container standard input, and a terminal where it asks for one, in ways that outlive the kubelet: named
// pipes, and a supervisor that holds the terminal. Never reads what is typed, never keeps what is printed: the log does.
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { sleep, type Clock } from '../../lib/base/clock.ts';
import type { Exec, ExecResult } from '../../lib/exec/exec.ts';
import { ShimError, type ContainerInput, type ContainerSpec } from '../contract.ts';
import { signalIfThere } from '../shared/signal.ts';
import { TerminalSize, withTerminal } from '../shared/terminal.ts';

/** Names of pipes: the runc wrapper knows the first two and opens them as the container's standard input. */
const PIPES = { open: 'stdin-open', once: 'stdin-once', terminal: 'terminal' } as const;

/** Holds a pipe open for writing, so that its reader waits instead of seeing the end. Arguments: pipe, pid file. */
const HOLDER = 'echo $$ >"$2"; exec sleep infinity 3<>"$1" </dev/null >/dev/null 2>&1';

/**
 * Arguments: the container's directory, its log, then the program that `script` runs. `script` holds its pid, `exit` the
 * code at the end. The terminal's input never ends: as with any terminal, that is said by typing it.
 */
const SUPERVISOR = `
exec </dev/null >/dev/null 2>&1
directory=$1 log=$2; shift 2
cd /
trap : TERM INT HUP
"$@" <>"$directory/${PIPES.terminal}" >>"$log" 2>>"$directory/said" &
child=$!
echo "$child" >"$directory/script.new" && mv "$directory/script.new" "$directory/script"
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
echo "$code" >"$directory/exit.new" && mv "$directory/exit.new" "$directory/exit"
`;

const START_TIMEOUT_MS = 60_000;
const FLUSH_TIMEOUT_MS = 5_000;
const LOOK_MS = 10;

export class CtrInputs {
  readonly #exec: Exec;
  readonly #clock: Clock;
  readonly #directory: string;

  constructor(exec: Exec, clock: Clock, containersDir: string) {
    this.#exec = exec;
    this.#clock = clock;
    this.#directory = containersDir;
  }

  /** Before the container is made. What an earlier start left is taken away. */
  async prepare(id: string, spec: Pick<ContainerSpec, 'stdin' | 'tty'>): Promise<void> {
    await this.release(id);
    if (spec.tty) return this.#makePipe(id, 'terminal');
    if (spec.stdin === undefined) return;
    await this.#makePipe(id, spec.stdin);
    if (spec.stdin === 'once')
      this.#exec.spawn(['/bin/sh', '-c', HOLDER, 'holder', this.#path(id, PIPES.once), this.#path(id, 'holder')], {
        detached: true,
      });
  }

  /** Runs an attached `ctr run` on a terminal, beside the kubelet; what it says when the container does not start. */
  async startOnTerminal(id: string, argv: readonly string[], logPath: string): Promise<ExecResult> {
    const pidFile = this.#path(id, 'pid');
    const program = withTerminal(argv, { errorsTo: this.#path(id, 'said'), isRelay: true });
    await writeFile(logPath, '', { flag: 'a' });
    this.#exec.spawn(['/bin/sh', '-c', SUPERVISOR, 'supervisor', this.#path(id, ''), logPath, ...program], {
      detached: true,
    });
    const result = { argv, exitCode: 0, signal: null, timedOut: false, stdout: '', stderr: '' };
    for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += LOOK_MS) {
      // Asked for first: a container that is over already has written its pid before.
      const code = await this.exitCode(id);
      if ((await readFile(pidFile, 'utf8').catch(() => '')) !== '') return result;
      if (code !== undefined) return { ...result, exitCode: code === 0 ? 1 : code, stderr: await this.#said(id) };
      await sleep(this.#clock, LOOK_MS);
    }
    return { ...result, exitCode: null, timedOut: true, stderr: await this.#said(id) };
  }

  pidFile(id: string): string {
    return this.#path(id, 'pid');
  }

  /** Of a container on a terminal: what its supervisor wrote down at its end. */
  async exitCode(id: string): Promise<number | undefined> {
    const text = await readFile(this.#path(id, 'exit'), 'utf8').catch(() => '');
    return text === '' ? undefined : Number(text);
  }

  /** A terminal's last output is in the log before its container is told to have ended. */
  async flushed(id: string): Promise<void> {
    if ((await readFile(this.#path(id, 'script'), 'utf8').catch(() => '')) === '') return;
    for (let waitedMs = 0; waitedMs < FLUSH_TIMEOUT_MS; waitedMs += LOOK_MS) {
      if ((await this.exitCode(id)) !== undefined) return;
      await sleep(this.#clock, LOOK_MS);
    }
  }

  open(id: string): ContainerInput {
    const scriptPid = async (): Promise<number | undefined> => {
      const text = await readFile(this.#path(id, 'script'), 'utf8').catch(() => '');
      return text === '' ? undefined : Number(text);
    };
    const size = new TerminalSize(this.#exec, scriptPid, { isRelay: true });
    const [kind, stdin] = this.#openPipe(id);
    return {
      stdin,
      resize: (width, height) => size.set(width, height),
      close: async () => {
        if (stdin === undefined) return;
        // Not in order: a container that reads nothing would keep its writer for ever. What has been taken is in the pipe.
        stdin.destroy();
        if (!stdin.closed) await once(stdin, 'close');
        if (kind === 'once') await this.#endHolder(id);
      },
    };
  }

  /** Nothing that belongs to a container which is over, or was never made, stays behind. */
  async release(id: string): Promise<void> {
    await this.#endHolder(id);
    for (const name of [...Object.values(PIPES), 'pid', 'script', 'said', 'exit'])
      await rm(this.#path(id, name), { force: true });
  }

  #openPipe(id: string): [kind: keyof typeof PIPES | undefined, stdin: Socket | undefined] {
    for (const kind of ['terminal', 'open', 'once'] as const) {
      const fd = openToWrite(this.#path(id, PIPES[kind]));
      if (fd === undefined) continue;
      const stdin = new Socket({ fd, readable: false, writable: true });
      stdin.on('error', () => stdin.destroy());
      return [kind, stdin];
    }
    return [undefined, undefined];
  }

  async #makePipe(id: string, kind: keyof typeof PIPES): Promise<void> {
    await mkdir(this.#path(id, ''), { recursive: true, mode: 0o700 });
    const result = await this.#exec.run(['mkfifo', '--mode=0600', this.#path(id, PIPES[kind])]);
    if (result.exitCode !== 0)
      throw new ShimError('CreateContainerError', `no pipe for standard input can be made: ${result.stderr.trim()}`);
  }

  async #endHolder(id: string): Promise<void> {
    const pid = Number(await readFile(this.#path(id, 'holder'), 'utf8').catch(() => ''));
    if (pid === 0) return;
    // The number may be another process's by now.
    const held = await readlink(`/proc/${pid}/fd/3`).catch(() => '');
    if (held.startsWith(this.#path(id, PIPES.once))) signalIfThere(pid, 'SIGKILL');
    await rm(this.#path(id, 'holder'), { force: true });
  }

  async #said(id: string): Promise<string> {
    return readFile(this.#path(id, 'said'), 'utf8').catch(() => '');
  }

  #path(id: string, name: string): string {
    return join(this.#directory, id, name);
  }
}

/** Without a reader this fails instead of waiting: then the container is over. */
function openToWrite(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
