// Does: makes and ends the process namespace that all containers of a pod share (`shareProcessNamespace`): unlike the others
// it lives only as long as its first process, so that one is held: a `sleep` that adopts and reaps what nobody waits for.
// Never leaves that process anything: no capability, a user of its own, and no more of the machine's files than it runs of.
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../../lib/base/clock.ts';
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import { ShimError } from '../contract.ts';
import type { Cgroups } from '../shared/cgroups.ts';
import { signalIfThere } from '../shared/signal.ts';

/** The control group of that process, beside those of the pod's containers. */
const GROUP = 'process-namespace';

/**
 * Arguments: an empty directory, then control groups. Who ignores SIGCHLD has no zombies, also of children that it did not
 * start. Whoever could look through /proc/1/root from a container (CAP_SYS_PTRACE) finds programs, read-only.
 */
const HOLDER = `
set -e
directory=$1; shift
for group; do echo 0 >"$group/cgroup.procs"; done
hold() {
  mount -t tmpfs -o size=64k,mode=755 pod "$directory"
  cd "$directory"
  mkdir host proc
  mount -t proc proc proc
  for each in usr bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$each" ]; then cp -P "/$each" "$each"
    elif [ -d "/$each" ]; then
      mkdir "$each"
      mount --bind "/$each" "$each"
      mount -o remount,bind,ro "$each"
    fi
  done
  pivot_root . host
  umount -l /host
  rmdir /host
  mount -o remount,ro /
  exec setpriv --reuid=65535 --regid=65535 --clear-groups --bounding-set=-all --no-new-privs \\
    env --ignore-signal=CHLD sleep infinity
}
hold </dev/null >/dev/null 2>"$directory.said" &
`;

const TIMEOUT_MS = 5000;
const LOOK_MS = 10;

export class PodProcesses {
  readonly #exec: Exec;
  readonly #clock: Clock;
  readonly #cgroups: Cgroups;

  constructor(exec: Exec, clock: Clock, cgroups: Cgroups) {
    this.#exec = exec;
    this.#clock = clock;
    this.#cgroups = cgroups;
  }

  /** `sandboxDirectory` is the pod's own. */
  async start(podUid: string, sandboxDirectory: string): Promise<void> {
    const directory = join(sandboxDirectory, GROUP);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const groups = await this.#cgroups.createBeside(podUid, GROUP);
    const argv = ['unshare', '--pid', '--mount', '--propagation', 'private', '/bin/sh', '-c', HOLDER, 'holder'];
    const result = await this.#exec.run([...argv, directory, ...groups]);
    if (result.exitCode !== 0)
      throw new ShimError('CreatePodSandboxError', `no process namespace for the pod: ${describeFailure(result)}`);
    await this.#held(podUid, directory);
  }

  /** Resolves when there is nothing but the held process; throws what stood in the way of it. */
  async #held(podUid: string, directory: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += LOOK_MS) {
      const [pid] = await this.#cgroups.processes(podUid, GROUP);
      if (pid === undefined) break;
      if ((await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')) === 'sleep\n') return;
      await sleep(this.#clock, LOOK_MS);
    }
    const said = await readFile(`${directory}.said`, 'utf8').catch(() => '');
    throw new ShimError('CreatePodSandboxError', `no process holds the pod's process namespace: ${said.trim()}`);
  }

  /** undefined: there is none, or it has ended with its process. */
  async path(podUid: string): Promise<string | undefined> {
    const [pid] = await this.#cgroups.processes(podUid, GROUP);
    return pid === undefined ? undefined : `/proc/${pid}/ns/pid`;
  }

  /** Everything that is left in the namespace ends with its first process. */
  async stop(podUid: string, sandboxDirectory: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += LOOK_MS) {
      const pids = await this.#cgroups.processes(podUid, GROUP);
      if (pids.length === 0) break;
      for (const pid of pids) signalIfThere(pid, 'SIGKILL');
      await sleep(this.#clock, LOOK_MS);
    }
    await rm(join(sandboxDirectory, `${GROUP}.said`), { force: true });
    await rmdir(join(sandboxDirectory, GROUP)).catch(() => {});
  }
}
