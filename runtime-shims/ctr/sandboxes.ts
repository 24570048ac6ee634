// Does: makes and removes pod sandboxes: held network, IPC and host name namespaces (files, no pause process), an
// address by CNI, shared memory, the pod's control group. Never runs a container.
import { readFile, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import type { Clock } from '../../lib/base/clock.ts';
import { ShimError, type SandboxSpec, type SandboxState, type ShimSettings } from '../contract.ts';
import { Cni } from '../shared/cni.ts';
import { sandboxIdOf } from '../shared/identity.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { namesIn, readRecord, removeTree, writeRecord } from '../shared/records.ts';
import type { Cgroups } from '../shared/cgroups.ts';
import { PodProcesses } from './pod-processes.ts';

interface SandboxRecord {
  spec: SandboxSpec;
  ip: string;
  createdAtMs: number;
}

const SHM_OPTIONS = 'size=64m,mode=1777,nosuid,nodev,noexec';

export class CtrSandboxes {
  readonly #exec: Exec;
  readonly #clock: Clock;
  readonly #settings: ShimSettings;
  readonly #cgroups: Cgroups;
  readonly #cni: Cni;
  readonly #processes: PodProcesses;
  readonly #dir: string;
  readonly #queue = new KeyedQueue();
  readonly #records = new Map<string, SandboxRecord>();
  readonly #making = new Set<string>();

  constructor(ctx: { exec: Exec; clock: Clock; settings: ShimSettings }, cgroups: Cgroups) {
    this.#exec = ctx.exec;
    this.#clock = ctx.clock;
    this.#settings = ctx.settings;
    this.#cgroups = cgroups;
    this.#processes = new PodProcesses(ctx.exec, ctx.clock, cgroups);
    this.#dir = join(ctx.settings.stateDir, 'sandboxes');
    const dataDir = join(ctx.settings.stateDir, 'addresses');
    this.#cni = new Cni({ exec: ctx.exec, podCidr: ctx.settings.podCidr, dataDir });
  }

  path(id: string, name: 'net' | 'ipc' | 'uts' | 'shm'): string {
    return join(this.#dir, id, name);
  }

  /** undefined: there is no such sandbox. */
  async specOf(id: string): Promise<SandboxSpec | undefined> {
    return (await this.#record(id))?.spec;
  }

  /** undefined: its containers have process namespaces of their own, or the machine's. */
  async processNamespace(id: string): Promise<string | undefined> {
    const spec = await this.specOf(id);
    if (spec?.shareProcessNamespace !== true) return undefined;
    const path = await this.#processes.path(spec.pod.uid);
    if (path === undefined) throw new ShimError('CreateContainerError', `the processes of sandbox ${id} have ended`);
    return path;
  }

  create(spec: SandboxSpec): Promise<SandboxState> {
    const id = sandboxIdOf(spec.pod.uid, spec.attempt);
    return this.#queue.run(id, async () => {
      const held = await mountedPaths();
      const known = await this.#record(id);
      const state = known === undefined ? undefined : await this.#stateOf(id, known, held);
      if (state?.state === 'ready' && held.has(this.path(id, 'shm'))) return state;
      // A kill in the middle may have left a part: begin anew.
      await this.#takeDown(id, spec.pod.uid);
      this.#making.add(spec.pod.uid);
      try {
        return await this.#make(id, spec);
      } finally {
        this.#making.delete(spec.pod.uid);
      }
    });
  }

  async #make(id: string, spec: SandboxSpec): Promise<SandboxState> {
    const ip = await this.#bringUp(id, spec).catch(async (error: unknown) => {
      await this.#takeDown(id, spec.pod.uid).catch(() => {});
      throw error;
    });
    const record: SandboxRecord = { spec, ip, createdAtMs: this.#clock.now() };
    await writeRecord(join(this.#dir, id, 'sandbox.json'), record);
    this.#records.set(id, record);
    return this.#stateOf(id, record, await mountedPaths());
  }

  remove(id: string): Promise<void> {
    return this.#queue.run(id, async () => {
      const record = await this.#record(id);
      await this.#takeDown(id, record?.spec.pod.uid);
      this.#records.delete(id);
    });
  }

  async list(): Promise<SandboxState[]> {
    const held = await mountedPaths();
    const states: SandboxState[] = [];
    for (const id of await namesIn(this.#dir)) {
      const record = await this.#record(id);
      if (record !== undefined) states.push(await this.#stateOf(id, record, held));
    }
    return states;
  }

  /** Half-made sandboxes, addresses and control groups that no sandbox owns. */
  async gc(): Promise<string[]> {
    const removed: string[] = [];
    for (const id of await namesIn(this.#dir)) {
      if (this.#queue.isBusy(id) || (await this.#record(id)) !== undefined) continue;
      await this.remove(id);
      removed.push(`half-made sandbox ${id}`);
    }
    const known = new Set(await namesIn(this.#dir));
    for (const id of await this.#cni.holders()) {
      if (known.has(id) || this.#queue.isBusy(id)) continue;
      await this.#cni.remove(id, '');
      removed.push(`address of sandbox ${id}`);
    }
    const pods = new Set((await this.list()).map((sandbox) => sandbox.pod.uid));
    for (const uid of await this.#cgroups.podUids())
      if (!pods.has(uid) && !this.#making.has(uid) && (await this.#cgroups.removePod(uid)))
        removed.push(`control groups of pod ${uid}`);
    return removed;
  }

  async #bringUp(id: string, spec: SandboxSpec): Promise<string> {
    await this.#cgroups.createPod(spec.pod.uid, spec.limits);
    if (spec.shareProcessNamespace) await this.#processes.start(spec.pod.uid, join(this.#dir, id));
    await mkdir(this.path(id, 'shm'), { recursive: true, mode: 0o711 });
    await this.#run(['mount', '-t', 'tmpfs', '-o', SHM_OPTIONS, 'shm', this.path(id, 'shm')]);
    if (spec.hostNetwork) {
      if (!spec.hostIpc) await this.#hold(id, ['ipc'], ['true']);
      return this.#settings.nodeIp;
    }
    await this.#hold(id, spec.hostIpc ? ['net', 'uts'] : ['net', 'uts', 'ipc'], ['hostname', spec.hostname]);
    const [ip] = await Promise.all([
      this.#cni.add(id, this.path(id, 'net')),
      this.#run(['nsenter', `--net=${this.path(id, 'net')}`, 'ip', 'link', 'set', 'lo', 'up']),
    ]);
    return ip;
  }

  /** New namespaces, kept alive by bind mounts on files, so that no process has to. */
  async #hold(id: string, kinds: Array<'net' | 'uts' | 'ipc'>, first: string[]): Promise<void> {
    for (const kind of kinds) await writeFile(this.path(id, kind), '');
    await this.#run(['unshare', ...kinds.map((kind) => `--${kind}=${this.path(id, kind)}`), ...first]);
  }

  async #takeDown(id: string, podUid: string | undefined): Promise<void> {
    const held = await mountedPaths();
    const directory = join(this.#dir, id);
    const netns = this.path(id, 'net');
    if ((await this.#cni.holders()).has(id) || held.has(netns))
      await this.#cni.remove(id, held.has(netns) ? netns : '');
    for (const path of [...held].filter((mounted) => mounted.startsWith(`${directory}/`)))
      await this.#run(['umount', '-l', path]);
    if (podUid !== undefined) await this.#processes.stop(podUid, directory);
    if (podUid !== undefined && !(await this.#cgroups.removePod(podUid)))
      throw new ShimError(
        'KillContainerError',
        `sandbox ${id}: processes are left in the control group of pod ${podUid}`,
      );
    await removeTree(join(directory, 'sandbox.json'));
    for (const name of ['net', 'uts', 'ipc']) await removeTree(join(directory, name));
    // rmdir, not a recursive removal: should a mount be left after all, its content must survive.
    await rmdir(this.path(id, 'shm')).catch(() => {});
    await rmdir(directory).catch(() => {});
  }

  async #run(argv: string[]): Promise<void> {
    const result = await this.#exec.run(argv);
    if (result.exitCode !== 0) throw new ShimError('CreatePodSandboxError', describeFailure(result));
  }

  async #record(id: string): Promise<SandboxRecord | undefined> {
    const known = this.#records.get(id) ?? (await readRecord<SandboxRecord>(join(this.#dir, id, 'sandbox.json')));
    if (known !== undefined) this.#records.set(id, known);
    return known;
  }

  async #stateOf(id: string, record: SandboxRecord, held: ReadonlySet<string>): Promise<SandboxState> {
    const { spec } = record;
    const isHeld = held.has(this.path(id, spec.hostNetwork ? 'shm' : 'net'));
    const isAlive = !spec.shareProcessNamespace || (await this.#processes.path(spec.pod.uid)) !== undefined;
    return {
      id,
      pod: spec.pod,
      attempt: spec.attempt,
      state: isHeld && isAlive ? 'ready' : 'lost',
      ...(spec.hostNetwork ? {} : { netns: this.path(id, 'net') }),
      ip: record.ip,
      createdAtMs: record.createdAtMs,
    };
  }
}

/** Every mount point that this process sees; blanks and backslashes in paths are written in octal there. */
async function mountedPaths(): Promise<Set<string>> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return new Set(
    text
      .split('\n')
      .map((line) =>
        (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
      ),
  );
}
