// Does: real containers by containerd's `ctr`: the verbs of the contract, each a short story of ctr calls. Never keeps
// truth in memory that containerd or the records do not have: any of the two may be killed at any time.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/base/errors.ts';
import type { ExecResult } from '../../lib/exec/exec.ts';
import {
  ShimError,
  type ContainerInput,
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
import { RuntimeEvents } from '../shared/emitter.ts';
import { containerIdOf, fromLabels } from '../shared/identity.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { Cgroups } from '../shared/cgroups.ts';
import { CtrCommand, isNotFound, whyOf } from './command.ts';
import { ContainerRecords, type ContainerRecord } from './containers.ts';
import { CtrEvents } from './events.ts';
import { execInContainer } from './exec.ts';
import { CtrImages } from './images.ts';
import { CtrInputs } from './inputs.ts';
import { writeLogger } from './logger.ts';
import { runArguments } from './run-arguments.ts';
import { writeRuncWrapper } from './runc-wrapper.ts';
import { CtrSandboxes } from './sandboxes.ts';
import { CtrSpecifications } from './specifications.ts';
import { parseRemovedExitCode, parseTasks, type TaskEvent } from './tables.ts';
import type { ResolvedUser } from './users.ts';

/** Where runc keeps a container's state; below it, containerd's namespace, which no two nodes may share. */
const RUNC_STATE = '/run/containerd/runc';

export async function openCtrShim(ctx: ShimContext): Promise<RuntimeShim> {
  const shim = new CtrShim(ctx);
  await shim.open();
  return shim;
}

interface HowEnded {
  exitCode: number;
  finishedAtMs: number | undefined;
  /** Why nobody knows. */
  unknown?: string;
}

class CtrShim implements RuntimeShim {
  readonly name = 'ctr';
  readonly logFormat = 'raw';
  readonly #ctx: ShimContext;
  readonly #ctr: CtrCommand;
  readonly #images: CtrImages;
  readonly #sandboxes: CtrSandboxes;
  readonly #cgroups: Cgroups;
  readonly #records: ContainerRecords;
  readonly #inputs: CtrInputs;
  readonly #specifications: CtrSpecifications;
  readonly #events: CtrEvents;
  readonly #watchers = new RuntimeEvents();
  readonly #queue = new KeyedQueue();
  readonly #outOfMemory = new Set<string>();
  readonly #runcBinary: string;
  readonly #logger: string;

  constructor(ctx: ShimContext) {
    const { stateDir, containerdAddress, containerdNamespace } = ctx.settings;
    this.#ctx = ctx;
    this.#ctr = new CtrCommand(
      ctx.exec,
      containerdAddress ?? '/run/containerd/containerd.sock',
      containerdNamespace ?? 'k8s.io',
    );
    this.#images = new CtrImages(this.#ctr, join(stateDir, 'images'));
    this.#cgroups = new Cgroups(ctx.settings.cgroupRoot);
    this.#sandboxes = new CtrSandboxes(ctx, this.#cgroups);
    this.#records = new ContainerRecords(join(stateDir, 'containers'));
    this.#inputs = new CtrInputs(ctx.exec, ctx.clock, this.#records.directory);
    this.#specifications = new CtrSpecifications(ctx, {
      ctr: this.#ctr,
      images: this.#images,
      sandboxes: this.#sandboxes,
      cgroups: this.#cgroups,
      specFile: (id) => this.#records.specFile(id),
    });
    this.#runcBinary = join(stateDir, 'runc-with-specification');
    this.#logger = join(stateDir, 'logger');
    this.#events = new CtrEvents(ctx, this.#ctr, {
      onEvent: (event) => this.#onTaskEvent(event),
      onGap: (why) => this.#watchers.emit({ type: 'gap', why }),
    });
  }

  async open(): Promise<void> {
    await mkdir(this.#records.directory, { recursive: true, mode: 0o711 });
    await writeRuncWrapper(this.#runcBinary, this.#records.directory);
    await writeLogger(this.#logger);
    await this.#records.load();
    this.#events.start();
  }

  async close(): Promise<void> {
    await this.#events.stop();
  }

  async version(): Promise<{ name: string; version: string }> {
    const text = await this.#ctr.run(['version'], 'Unavailable');
    const server = text.slice(text.indexOf('Server:'));
    return { name: 'containerd', version: /Version:\s*v?(\S+)/.exec(server)?.[1] ?? 'unknown' };
  }

  ensureImage(ref: string, options: EnsureImageOptions): Promise<ImageState> {
    return this.#images.ensure(ref, options);
  }

  listImages(): Promise<Array<{ ref: string; sizeBytes: number }>> {
    return this.#images.list();
  }

  importArchive(file: string): Promise<string[]> {
    return this.#images.import(file);
  }

  createSandbox(spec: SandboxSpec): Promise<SandboxState> {
    return this.#sandboxes.create(spec);
  }

  removeSandbox(id: string): Promise<void> {
    return this.#sandboxes.remove(id);
  }

  watch(handler: (event: RuntimeEvent) => void): { stop(): void } {
    return this.#watchers.watch(handler);
  }

  // ---- containers -------------------------------------------------------------------------------------------------

  runContainer(spec: ContainerSpec): Promise<ContainerState> {
    const id = containerIdOf(spec.pod.uid, spec.name, spec.attempt);
    return this.#queue.run(id, async () => {
      const known = this.#records.get(id);
      if (known !== undefined) return known.state;
      const user = await this.#specifications.userOf(spec);
      await this.#specifications.write(id, spec, user);
      const record = this.#newRecord(id, spec, user);
      const place = {
        id,
        runcBinary: this.#runcBinary,
        logger: this.#logger,
        cgroupsPath: this.#cgroups.containerPath(spec.pod.uid, id),
        ...(spec.tty ? { pidFile: this.#inputs.pidFile(id) } : {}),
      };
      await this.#start(record, spec, runArguments(spec, place));
      return record.state;
    });
  }

  async #start(record: ContainerRecord, spec: ContainerSpec, argv: string[]): Promise<void> {
    const { id } = record.state;
    let result = await this.#run(id, spec, argv);
    if (result.exitCode !== 0 && /already exists/.test(result.stderr)) {
      // Left by a start that was cut off: it never ran under this record.
      await this.#discard(id);
      await this.#specifications.write(id, spec, await this.#specifications.userOf(spec));
      result = await this.#run(id, spec, argv);
    }
    if (result.exitCode === 0) return this.#records.put(record);
    const why = whyOf(result);
    await this.#discard(id);
    if (!/OCI runtime|runc|failed to (create|start)/.test(why)) throw new ShimError('CreateContainerError', why);
    // As Kubernetes has it: a container that cannot start is one that has ended, with 128.
    const finishedAtMs = this.#ctx.clock.now();
    const state: ContainerState = {
      ...record.state,
      state: 'exited',
      finishedAtMs,
      exitCode: 128,
      reason: 'StartError',
      message: why,
    };
    await this.#records.put({ ...record, state });
    throw new ShimError('RunContainerError', why);
  }

  async #run(id: string, spec: ContainerSpec, argv: string[]): Promise<ExecResult> {
    await this.#inputs.prepare(id, spec);
    if (!spec.tty) return this.#ctr.ask(argv, { timeoutMs: 60_000 });
    return this.#ctr.judged(await this.#inputs.startOnTerminal(id, this.#ctr.argv(argv), spec.logPath));
  }

  async openInput(id: string): Promise<ContainerInput> {
    if (this.#records.get(id) === undefined) throw new ShimError('NotFound', `attach: there is no container ${id}`);
    return this.#inputs.open(id);
  }

  async signal(id: string, signal: string): Promise<void> {
    const argv = ['tasks', 'kill', '--signal', signal, id];
    const result = await this.#ctr.ask(argv);
    // The last: its shim process went with it while it was asked.
    const hasEnded = isNotFound(result) || /process already finished|ttrpc: closed/.test(result.stderr);
    if (result.exitCode !== 0 && !hasEnded) throw new ShimError('KillContainerError', whyOf(result));
  }

  remove(id: string): Promise<void> {
    return this.#queue.run(id, async () => {
      if (this.#records.get(id)?.state.state !== 'exited') await this.#discard(id);
      await rm(join(RUNC_STATE, this.#ctr.namespace, id), { recursive: true, force: true });
      await this.#records.remove(id);
      this.#outOfMemory.delete(id);
    });
  }

  exec(id: string, argv: readonly string[], request: ExecRequest): ExecSession {
    const record = this.#records.get(id);
    if (record === undefined) throw new ShimError('NotFound', `exec: there is no container ${id}`);
    const execId = `exec-${this.#ctx.chance.uuid()}`;
    const errorsFile = join(this.#ctx.settings.stateDir, execId);
    const target = { id, execId, user: record.user, workingDir: record.workingDir, errorsFile };
    return execInContainer(this.#ctx.exec, this.#ctr, target, argv, request);
  }

  async list(): Promise<RuntimeState> {
    const asOf = this.#records.sequence;
    const [sandboxes, idText, taskText] = await Promise.all([
      this.#sandboxes.list(),
      this.#ctr.run(['containers', 'ls', '--quiet'], 'Unavailable'),
      this.#ctr.run(['tasks', 'ls'], 'Unavailable'),
    ]);
    const tasks = parseTasks(taskText);
    for (const id of idText.split('\n').filter(Boolean)) await this.#adopt(id, tasks.get(id)?.status);
    await this.#discardLeftovers(idText);
    for (const { state } of this.#records.all()) {
      const status = tasks.get(state.id)?.status;
      const isOver = status === undefined || status === 'STOPPED' || status === 'UNKNOWN';
      if (state.state === 'running' && isOver && !this.#records.changedSince(state.id, asOf))
        await this.#settle(state.id);
    }
    return { sandboxes, containers: this.#records.all().map(({ state }) => state) };
  }

  stats(id: string): Promise<ContainerStats | undefined> {
    const record = this.#records.get(id);
    return record === undefined ? Promise.resolve(undefined) : this.#cgroups.stats(record.state.pod.uid, id);
  }

  gc(): Promise<string[]> {
    return this.#sandboxes.gc();
  }

  // ---- how a container ends ---------------------------------------------------------------------------------------

  #onTaskEvent(event: TaskEvent): void {
    if (event.topic === 'oom') this.#outOfMemory.add(event.containerId);
    if (event.topic !== 'exit' || event.processId !== event.containerId) return;
    this.#settle(event.containerId, { exitCode: event.exitCode, finishedAtMs: event.exitedAtMs }).catch(
      (error: unknown) =>
        this.#ctx.log.warn(
          { container: event.containerId, error: messageOf(error) },
          'an exit could not be recorded; the next listing will',
        ),
    );
  }

  /** Writes down how it ended, then frees what it held. What an event told is best; the task itself knows the code too. */
  #settle(id: string, told?: HowEnded): Promise<void> {
    return this.#queue.run(id, async () => {
      const record = this.#records.get(id);
      if (record === undefined || record.state.state === 'exited') return;
      await this.#inputs.flushed(id);
      const { pod } = record.state;
      const outOfMemory = this.#outOfMemory.delete(id) || (await this.#cgroups.wasOomKilled(pod.uid, id));
      const ended: HowEnded = told ?? (await this.#askExitCode(id));
      const state: ContainerState = {
        ...record.state,
        state: 'exited',
        exitCode: ended.exitCode,
        finishedAtMs: ended.finishedAtMs ?? this.#ctx.clock.now(),
        ...(outOfMemory && ended.exitCode !== 0 ? { reason: 'OOMKilled' } : {}),
        ...(ended.unknown === undefined ? {} : { reason: 'ContainerStatusUnknown', message: ended.unknown }),
      };
      await this.#records.put({ ...record, state });
      this.#watchers.emit({ type: 'changed', container: state });
      await this.#discard(id);
    });
  }

  async #askExitCode(id: string): Promise<HowEnded> {
    // The `ctr run` that stayed with it has removed the task, and passed its code on.
    const kept = await this.#inputs.exitCode(id);
    if (kept !== undefined) return { exitCode: kept, finishedAtMs: this.#ctx.clock.now() };
    const result = await this.#ctr.ask(['tasks', 'rm', id]);
    const finishedAtMs = this.#ctx.clock.now();
    if (result.exitCode === 0) return { exitCode: parseRemovedExitCode(result.stderr), finishedAtMs };
    if (!isNotFound(result)) throw new ShimError('KillContainerError', whyOf(result));
    return { exitCode: 137, finishedAtMs, unknown: 'The container is gone from containerd and has left no exit code' };
  }

  /** Task, snapshot and container; what is not there is fine. */
  async #discard(id: string): Promise<void> {
    await this.#ctr.runIfThere(['tasks', 'rm', '--force', id], 'KillContainerError');
    await this.#ctr.runIfThere(['containers', 'rm', id], 'KillContainerError');
    await this.#inputs.release(id);
    await rm(this.#records.specFile(id), { force: true });
  }

  /** An ended container whose removal from containerd had failed. */
  async #discardLeftovers(idText: string): Promise<void> {
    for (const id of idText.split('\n').filter(Boolean))
      if (this.#records.get(id)?.state.state === 'exited' && !this.#queue.isBusy(id)) await this.#discard(id);
  }

  /** A container with our labels, of which the records know nothing: the state directory was lost, or a start was cut off. */
  async #adopt(id: string, status: string | undefined): Promise<void> {
    if (this.#records.get(id) !== undefined || this.#queue.isBusy(id)) return;
    const result = await this.#ctr.ask(['containers', 'info', id]);
    if (result.exitCode !== 0) return;
    const info = JSON.parse(result.stdout) as {
      Labels?: Record<string, string>;
      Image?: string;
      CreatedAt?: string;
      Spec?: { process?: { user?: { uid?: number; gid?: number }; cwd?: string } };
    };
    const whose = fromLabels(info.Labels ?? {});
    if (whose === undefined) return;
    if (status === undefined) return this.#discard(id);
    const startedAtMs = Date.parse(info.CreatedAt ?? '') || this.#ctx.clock.now();
    const user = info.Spec?.process?.user;
    await this.#records.put({
      state: { id, ...whose, imageRef: info.Image ?? '', state: 'running', startedAtMs },
      user: `${user?.uid ?? 0}:${user?.gid ?? 0}`,
      workingDir: info.Spec?.process?.cwd ?? '/',
    });
  }

  #newRecord(id: string, spec: ContainerSpec, user: ResolvedUser): ContainerRecord {
    const { pod, sandboxId, name, attempt, kind, logPath } = spec;
    const startedAtMs = this.#ctx.clock.now();
    return {
      state: {
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
        startedAtMs,
      },
      user: `${user.uid}:${user.gid}`,
      workingDir: spec.workingDir === '' ? '/' : spec.workingDir,
    };
  }
}
