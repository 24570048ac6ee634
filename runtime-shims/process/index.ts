// Does: runs containers as plain supervised processes, without root and without containerd; where the machine allows user
// namespaces, each in its image's own file system. Never limits CPU, never changes the user, and pods share the machine's
// network: each has an address of its own in 127.0.0.0/8.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Timer } from '../../lib/base/clock.ts';
import { messageOf } from '../../lib/base/errors.ts';
import {
  ShimError,
  type ContainerSpec,
  type ContainerState,
  type ContainerStats,
  type EnsureImageOptions,
  type ExecRequest,
  type ExecSession,
  type ImageState,
  type RuntimeEvent,
  type RuntimeShim,
  type RuntimeState,
  type SandboxSpec,
  type SandboxState,
  type ShimContext,
} from '../contract.ts';
import { freeAddress, loopbackCidr } from '../shared/addresses.ts';
import { signalIfThere } from '../shared/signal.ts';
import { RuntimeEvents } from '../shared/emitter.ts';
import { containerIdOf, sandboxIdOf } from '../shared/identity.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { namesIn, readRecord, removeTree, writeRecord } from '../shared/records.ts';
import { execProcess } from './exec.ts';
import { ProcessImages } from './images.ts';
import { enterScript, insideScript, plainScript, rootedScript, SUPERVISOR, type Program } from './scripts.ts';
import { findProgram } from './search.ts';
import { isAlive, usageBySession } from './usage.ts';

/** By this the launcher finds everything that a cluster started; containers must not lose it with the rest. */
const UNIT_MARK = process.env['FLOTILLA_UNIT'] === undefined ? [] : [`FLOTILLA_UNIT=${process.env['FLOTILLA_UNIT']}`];
const POLL_MS = 200;
const USAGE_MS = 1000;
const START_TIMEOUT_MS = 5000;

interface SandboxRecord {
  spec: SandboxSpec;
  ip: string;
  createdAtMs: number;
}

/** What is needed to enter a container again: kept in its directory, readable by its owner only. */
export interface ProcessRecord {
  state: ContainerState;
  isRooted: boolean;
  program: Program;
  memoryBytes?: number;
}

export async function openProcessShim(ctx: ShimContext): Promise<RuntimeShim> {
  const probe = await ctx.exec.run(['unshare', '--user', '--map-root-user', '--mount', 'true']);
  const shim = new ProcessShim(ctx, probe.exitCode === 0);
  await shim.open();
  return shim;
}

class ProcessShim implements RuntimeShim {
  readonly name = 'process';
  readonly logFormat = 'raw';
  readonly #ctx: ShimContext;
  readonly #hasUserNamespaces: boolean;
  readonly #dir: string;
  readonly #images: ProcessImages;
  readonly #events = new RuntimeEvents();
  readonly #queue = new KeyedQueue();
  readonly #records = new Map<string, ProcessRecord>();
  readonly #outOfMemory = new Set<string>();
  #timer: Timer | undefined;
  #isClosed = false;
  #usageDueMs = 0;

  constructor(ctx: ShimContext, hasUserNamespaces: boolean) {
    this.#ctx = ctx;
    this.#hasUserNamespaces = hasUserNamespaces;
    this.#dir = ctx.settings.stateDir;
    this.#images = new ProcessImages(ctx.exec, join(this.#dir, 'images'));
  }

  async open(): Promise<void> {
    await mkdir(join(this.#dir, 'containers'), { recursive: true, mode: 0o700 });
    await mkdir(join(this.#dir, 'sandboxes'), { recursive: true, mode: 0o700 });
    await writeFile(join(this.#dir, 'supervisor.sh'), SUPERVISOR);
    for (const id of await namesIn(join(this.#dir, 'containers'))) {
      const record = await readRecord<ProcessRecord>(this.#path(id, 'container.json'));
      if (record !== undefined) this.#records.set(id, record);
    }
    this.#poll();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  version(): Promise<{ name: string; version: string }> {
    return Promise.resolve({ name: 'process', version: this.#hasUserNamespaces ? '1-rooted' : '1-plain' });
  }

  async ensureImage(ref: string, options: EnsureImageOptions): Promise<ImageState> {
    const { rootfs: _, ...image } = await this.#images.ensure(ref, options);
    return image;
  }

  async listImages(): Promise<Array<{ ref: string; sizeBytes: number }>> {
    return Object.values(await this.#images.all()).map(({ ref, sizeBytes }) => ({ ref, sizeBytes }));
  }

  importArchive(file: string): Promise<string[]> {
    return this.#images.import(file);
  }

  // ---- sandboxes: an address and nothing else ---------------------------------------------------------------------

  createSandbox(spec: SandboxSpec): Promise<SandboxState> {
    const id = sandboxIdOf(spec.pod.uid, spec.attempt);
    return this.#queue.run('sandboxes', async () => {
      const all = await this.#sandboxes();
      const known = all.find((sandbox) => sandbox.id === id);
      if (known !== undefined) return known;
      const cidr = loopbackCidr(this.#ctx.settings.podCidr);
      const ip = spec.hostNetwork
        ? this.#ctx.settings.nodeIp
        : freeAddress(cidr, new Set(all.map((sandbox) => sandbox.ip)));
      if (ip === undefined) throw new ShimError('CreatePodSandboxError', `no address is free in ${cidr}`);
      const record: SandboxRecord = { spec, ip, createdAtMs: this.#ctx.clock.now() };
      await writeRecord(join(this.#dir, 'sandboxes', `${id}.json`), record);
      return sandboxStateOf(id, record);
    });
  }

  removeSandbox(id: string): Promise<void> {
    return removeTree(join(this.#dir, 'sandboxes', `${id}.json`));
  }

  async #sandboxes(): Promise<SandboxState[]> {
    const files = (await namesIn(join(this.#dir, 'sandboxes'))).filter((name) => name.endsWith('.json'));
    const states = await Promise.all(
      files.map(async (name) => {
        const record = await readRecord<SandboxRecord>(join(this.#dir, 'sandboxes', name));
        return record === undefined ? [] : [sandboxStateOf(name.slice(0, -'.json'.length), record)];
      }),
    );
    return states.flat();
  }

  // ---- containers -------------------------------------------------------------------------------------------------

  runContainer(spec: ContainerSpec): Promise<ContainerState> {
    const id = containerIdOf(spec.pod.uid, spec.name, spec.attempt);
    return this.#queue.run(id, async () => {
      const known = this.#records.get(id);
      if (known !== undefined) return known.state;
      const sandbox = await readRecord<SandboxRecord>(join(this.#dir, 'sandboxes', `${spec.sandboxId}.json`));
      if (sandbox === undefined) throw new ShimError('CreateContainerError', `there is no sandbox ${spec.sandboxId}`);
      const record = await this.#write(id, spec, sandbox);
      await this.#start(record);
      return record.state;
    });
  }

  async #write(id: string, spec: ContainerSpec, sandbox: SandboxRecord): Promise<ProcessRecord> {
    const { pod, sandboxId, name, attempt, kind, logPath } = spec;
    const { rootfs } = await this.#images.ensure(spec.image.ref, { policy: 'Never' });
    const isRooted = rootfs !== '' && this.#hasUserNamespaces;
    const env: Record<string, string> = {
      ...Object.fromEntries(UNIT_MARK.map((mark) => mark.split('=', 2) as [string, string])),
      POD_IP: sandbox.ip,
      HOSTNAME: sandbox.spec.hostname,
      ...spec.env,
      ...(isRooted || rootfs === '' ? {} : { IMAGE_ROOT: rootfs }),
    };
    const found = findProgram(spec.argv[0] ?? '', env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', rootfs, isRooted);
    const workingDir = spec.workingDir === '' ? '/' : spec.workingDir;
    const program: Program = {
      argv: [found?.path ?? spec.argv[0] ?? '', ...spec.argv.slice(1)],
      env: { ...env, PATH: found?.searchPath ?? env['PATH'] ?? '' },
      workingDir,
    };
    const state: ContainerState = {
      id,
      pod,
      sandboxId,
      name,
      attempt,
      kind,
      imageRef: spec.image.ref,
      imageId: spec.image.id,
      logPath,
      state: 'running',
      startedAtMs: this.#ctx.clock.now(),
    };
    const record: ProcessRecord = {
      state,
      isRooted,
      program,
      ...(spec.limits.memoryBytes === undefined ? {} : { memoryBytes: spec.limits.memoryBytes }),
    };
    for (const part of ['', 'upper', 'work', 'root'])
      await mkdir(this.#path(id, part), { recursive: true, mode: 0o700 });
    await chmod(this.#path(id, 'upper'), 0o755);
    if (isRooted) {
      const root = {
        lower: rootfs,
        directory: this.#path(id, ''),
        hostname: sandbox.spec.hostname,
        mounts: spec.mounts,
      };
      await writeFile(this.#path(id, 'inside.sh'), insideScript(program, root), { mode: 0o600 });
    } else if (spec.mounts.length > 0)
      this.#ctx.log.debug({ container: name, pod: pod.name }, 'without user namespaces, volumes are not mounted');
    const run = isRooted ? rootedScript(this.#path(id, 'inside.sh')) : plainScript(program);
    await writeFile(this.#path(id, 'run.sh'), run, { mode: 0o600 });
    await writeFile(this.#path(id, 'enter.sh'), enterScript(program), { mode: 0o600 });
    if (found === undefined) await this.#failStart(record, spec.argv[0] ?? '');
    await this.#put(record);
    return record;
  }

  async #failStart(record: ProcessRecord, program: string): Promise<never> {
    const message = `exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
    const state: ContainerState = {
      ...record.state,
      state: 'exited',
      finishedAtMs: this.#ctx.clock.now(),
      exitCode: 128,
      reason: 'StartError',
      message,
    };
    await this.#put({ ...record, state });
    throw new ShimError('RunContainerError', message);
  }

  /** Until its program is there, and in its own root: an exec before would find itself half outside of it. */
  async #start({ state, isRooted }: ProcessRecord): Promise<void> {
    const clean = ['/usr/bin/env', '-i', ...UNIT_MARK, 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'];
    this.#ctx.exec.spawn(
      [...clean, '/bin/sh', join(this.#dir, 'supervisor.sh'), this.#path(state.id, ''), state.logPath],
      { detached: true },
    );
    for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 10) {
      const process = await this.#processOf(state.id);
      const isOver = existsSync(this.#path(state.id, 'exit'));
      if (process !== undefined && (!isRooted || isOver || (await hasOwnRoot(process.pid)))) return;
      await sleep(this.#ctx.clock, 10);
    }
    // Where an image must be copied, that goes on.
    if ((await this.#processOf(state.id)) !== undefined) return;
    throw new ShimError(
      'CreateContainerError',
      `the supervisor of container ${state.name} did not start in ${START_TIMEOUT_MS} ms`,
    );
  }

  async signal(id: string, signal: string): Promise<void> {
    const process = await this.#processOf(id);
    if (process === undefined || !(await isAlive(process.pid, process.startTime))) return;
    signalIfThere(signal === 'SIGKILL' ? -process.pid : process.pid, signal as NodeJS.Signals);
  }

  remove(id: string): Promise<void> {
    return this.#queue.run(id, async () => {
      const process = await this.#processOf(id);
      if (process !== undefined && (await isAlive(process.pid, process.startTime))) {
        signalIfThere(-process.pid, 'SIGKILL');
        for (let i = 0; i < 200 && !existsSync(this.#path(id, 'exit')); i++) await sleep(this.#ctx.clock, 10);
      }
      this.#records.delete(id);
      this.#outOfMemory.delete(id);
      await removeTree(this.#path(id, ''));
    });
  }

  exec(id: string, argv: readonly string[], request: ExecRequest): ExecSession {
    const record = this.#records.get(id);
    if (record === undefined) throw new ShimError('NotFound', `exec: there is no container ${id}`);
    const target = { record, enterScript: this.#path(id, 'enter.sh'), processOf: () => this.#processOf(id) };
    return execProcess(this.#ctx.exec, target, argv, request);
  }

  async list(): Promise<RuntimeState> {
    await this.#settleEnded();
    return { sandboxes: await this.#sandboxes(), containers: [...this.#records.values()].map(({ state }) => state) };
  }

  watch(handler: (event: RuntimeEvent) => void): { stop(): void } {
    return this.#events.watch(handler);
  }

  async stats(id: string): Promise<ContainerStats | undefined> {
    const process = await this.#processOf(id);
    const usage = process === undefined ? undefined : (await usageBySession()).get(process.pid);
    return usage === undefined
      ? undefined
      : { cpuUsageNanos: usage.cpuNanos, memoryWorkingSetBytes: usage.residentBytes };
  }

  async gc(): Promise<string[]> {
    const removed: string[] = [];
    for (const id of await namesIn(join(this.#dir, 'containers'))) {
      if (this.#records.has(id) || this.#queue.isBusy(id)) continue;
      await this.remove(id);
      removed.push(`half-made container ${id}`);
    }
    return removed;
  }

  // ---- how a container ends ---------------------------------------------------------------------------------------

  #poll(): void {
    if (this.#isClosed) return;
    const work = this.#settleEnded().then(() => this.#killOverLimit());
    void work
      .catch((error: unknown) => this.#ctx.log.warn({ error: messageOf(error) }, 'processes could not be looked at'))
      .then(() => {
        if (!this.#isClosed) this.#timer = this.#ctx.clock.timer(POLL_MS, () => this.#poll());
      });
  }

  async #settleEnded(): Promise<void> {
    for (const { state } of this.#records.values())
      if (state.state === 'running' && !this.#queue.isBusy(state.id))
        await this.#queue.run(state.id, () => this.#settle(state.id));
  }

  async #settle(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined || record.state.state === 'exited') return;
    let exit = await readFile(this.#path(id, 'exit'), 'utf8').catch(() => undefined);
    if (exit === undefined) {
      const process = await this.#processOf(id);
      if (process !== undefined && (await isAlive(process.pid, process.startTime))) return;
      // The supervisor writes the code a moment after the end; without a supervisor nobody ever will.
      await sleep(this.#ctx.clock, 100);
      exit = await readFile(this.#path(id, 'exit'), 'utf8').catch(() => undefined);
    }
    const [code, at] = exit?.trim().split(' ') ?? [];
    const unknown = { exitCode: 137, finishedAtMs: this.#ctx.clock.now(), reason: 'ContainerStatusUnknown' };
    const how = code === undefined ? unknown : { exitCode: Number(code), finishedAtMs: Number(at) };
    const reason = this.#outOfMemory.delete(id) ? { reason: 'OOMKilled' } : {};
    const state: ContainerState = { ...record.state, ...how, ...reason, state: 'exited' };
    await this.#put({ ...record, state });
    this.#events.emit({ type: 'changed', container: state });
  }

  /** Without control groups, memory is watched: `ulimit -v` would break programs that only reserve address space. */
  async #killOverLimit(): Promise<void> {
    const limited = [...this.#records.values()].filter(
      ({ state, memoryBytes }) => state.state === 'running' && memoryBytes !== undefined,
    );
    if (limited.length === 0 || this.#ctx.clock.monotonic() < this.#usageDueMs) return;
    this.#usageDueMs = this.#ctx.clock.monotonic() + USAGE_MS;
    const usage = await usageBySession();
    for (const { state, memoryBytes } of limited) {
      const process = await this.#processOf(state.id);
      if (process === undefined || (usage.get(process.pid)?.residentBytes ?? 0) <= memoryBytes!) continue;
      this.#outOfMemory.add(state.id);
      await this.signal(state.id, 'SIGKILL');
    }
  }

  async #processOf(id: string): Promise<{ pid: number; startTime: string } | undefined> {
    const text = await readFile(this.#path(id, 'pid'), 'utf8').catch(() => '');
    const [pid, startTime] = text.trim().split(' ');
    return pid === undefined || pid === '' ? undefined : { pid: Number(pid), startTime: startTime ?? '0' };
  }

  async #put(record: ProcessRecord): Promise<void> {
    await writeRecord(this.#path(record.state.id, 'container.json'), record);
    this.#records.set(record.state.id, record);
  }

  #path(id: string, name: string): string {
    return join(this.#dir, 'containers', id, name);
  }
}

/** Another root than this process has. False of one that is gone. */
async function hasOwnRoot(pid: number): Promise<boolean> {
  const [own, its] = await Promise.all(['/', `/proc/${pid}/root/`].map((path) => stat(path).catch(() => undefined)));
  return its !== undefined && (own?.dev !== its.dev || own.ino !== its.ino);
}

function sandboxStateOf(id: string, { spec, ip, createdAtMs }: SandboxRecord): SandboxState {
  return { id, pod: spec.pod, attempt: spec.attempt, state: 'ready', ip, createdAtMs };
}
