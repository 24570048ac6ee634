// Does: pretends to be a runtime: tells of sandboxes and containers that are only entries in a table, and misbehaves
// when a plan says so. Never runs, pulls or listens to anything.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { sleep, type Timer } from '../../lib/base/clock.ts';
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
import { RuntimeEvents } from '../shared/emitter.ts';
import { containerIdOf, sandboxIdOf } from '../shared/identity.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { readRecord, writeRecord } from '../shared/records.ts';
import { normalizeReference } from '../shared/references.ts';
import { planOf, type HollowPlan } from './plan.ts';

export interface HollowOptions {
  /** What a test wants of one pod, over its annotations. */
  plan?: (pod: { namespace: string; name: string }) => HollowPlan;
  /** References that need no pull; everything else is "pulled". */
  present?: string[];
}

interface HollowContainer {
  state: ContainerState;
  plan: HollowPlan;
  /** When it ends by itself. */
  endsAtMs?: number;
}

export async function openHollowShim(ctx: ShimContext, options: HollowOptions = {}): Promise<RuntimeShim> {
  const shim = new HollowShim(ctx, options);
  await shim.open();
  return shim;
}

class HollowShim implements RuntimeShim {
  readonly name = 'hollow';
  readonly logFormat = 'raw';
  readonly #ctx: ShimContext;
  readonly #options: HollowOptions;
  readonly #file: string;
  readonly #images = new Map<string, ImageState>();
  readonly #sandboxes = new Map<string, SandboxState>();
  readonly #containers = new Map<string, HollowContainer>();
  readonly #timers = new Map<string, Timer>();
  readonly #events = new RuntimeEvents();
  readonly #queue = new KeyedQueue();
  #isClosed = false;

  constructor(ctx: ShimContext, options: HollowOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#file = join(ctx.settings.stateDir, 'hollow.json');
    for (const ref of options.present ?? []) this.#imageOf(normalizeReference(ref));
  }

  /** Its table is kept on disk, so that it outlives the kubelet as real containers do. */
  async open(): Promise<void> {
    const kept = await readRecord<{ sandboxes: SandboxState[]; containers: HollowContainer[]; images: string[] }>(
      this.#file,
    );
    for (const sandbox of kept?.sandboxes ?? []) this.#sandboxes.set(sandbox.id, sandbox);
    for (const ref of kept?.images ?? []) this.#imageOf(ref);
    for (const container of kept?.containers ?? []) {
      this.#containers.set(container.state.id, container);
      this.#schedule(container);
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    return this.#queue.run('save', async () => {});
  }

  version(): Promise<{ name: string; version: string }> {
    return Promise.resolve({ name: 'hollow', version: '1' });
  }

  async ensureImage(ref: string, options: EnsureImageOptions): Promise<ImageState> {
    const name = normalizeReference(ref);
    const known = this.#images.get(name);
    if (known !== undefined && options.policy !== 'Always') return known;
    if (options.policy === 'Never')
      throw new ShimError('ErrImageNeverPull', `Container image "${ref}" is not present with pull policy of Never`);
    options.onPull?.();
    if (name.includes('/no-such-'))
      throw new ShimError('ErrImagePull', `failed to resolve reference "${name}": ${name}: not found`);
    const image = this.#imageOf(name);
    await this.#save();
    return image;
  }

  listImages(): Promise<Array<{ ref: string; sizeBytes: number }>> {
    return Promise.resolve([...this.#images.values()].map(({ ref, sizeBytes }) => ({ ref, sizeBytes })));
  }

  /** Any file is an image named after it. */
  async importArchive(file: string): Promise<string[]> {
    const name = normalizeReference(`hollow.local/${file.split('/').at(-1)!.toLowerCase()}:latest`);
    this.#imageOf(name);
    await this.#save();
    return [name];
  }

  createSandbox(spec: SandboxSpec): Promise<SandboxState> {
    const id = sandboxIdOf(spec.pod.uid, spec.attempt);
    return this.#queue.run('sandboxes', async () => {
      const known = this.#sandboxes.get(id);
      if (known !== undefined) return known;
      const plan = this.#planOf(spec.pod, spec.annotations);
      const taken = new Set([...this.#sandboxes.values()].map(({ ip }) => ip));
      const ip = spec.hostNetwork
        ? this.#ctx.settings.nodeIp
        : freeAddress(loopbackCidr(this.#ctx.settings.podCidr), taken);
      if (plan.sandbox === 'full' || ip === undefined)
        throw new ShimError('CreatePodSandboxError', `no address is free in ${this.#ctx.settings.podCidr}`);
      const sandbox: SandboxState = {
        id,
        pod: spec.pod,
        attempt: spec.attempt,
        state: 'ready',
        ip,
        createdAtMs: this.#ctx.clock.now(),
      };
      this.#sandboxes.set(id, sandbox);
      await this.#save();
      return sandbox;
    });
  }

  async removeSandbox(id: string): Promise<void> {
    this.#sandboxes.delete(id);
    await this.#save();
  }

  runContainer(spec: ContainerSpec): Promise<ContainerState> {
    const id = containerIdOf(spec.pod.uid, spec.name, spec.attempt);
    return this.#queue.run(id, async () => {
      const known = this.#containers.get(id);
      if (known !== undefined) return known.state;
      if (!this.#sandboxes.has(spec.sandboxId))
        throw new ShimError('CreateContainerError', `there is no sandbox ${spec.sandboxId}`);
      const plan = this.#planOf(spec.pod, spec.annotations);
      if (plan.pull === 'fail')
        throw new ShimError('ErrImagePull', `failed to pull image "${spec.image.ref}": as planned`);
      if (plan.startMs !== undefined) await sleep(this.#ctx.clock, plan.startMs);
      return this.#run(id, spec, plan);
    });
  }

  async #run(id: string, spec: ContainerSpec, plan: HollowPlan): Promise<ContainerState> {
    const { pod, sandboxId, name, attempt, kind, logPath } = spec;
    const startedAtMs = this.#ctx.clock.now();
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
      startedAtMs,
    };
    // An init container that never ended would keep every pod from starting.
    const exitCode = plan.exitCode ?? (kind === 'init' ? 0 : undefined);
    const container: HollowContainer = {
      state,
      plan: { ...plan, ...(exitCode === undefined ? {} : { exitCode }) },
      ...(exitCode === undefined ? {} : { endsAtMs: startedAtMs + (plan.exitAfterMs ?? 0) }),
    };
    writeFileSync(logPath, `${name} pretends to run\n`, { flag: 'a' });
    this.#containers.set(id, container);
    if (plan.start === 'fail') {
      const message = `exec: ${JSON.stringify(spec.argv[0] ?? '')}: as planned`;
      await this.#end(id, { exitCode: 128, reason: 'StartError', message });
      throw new ShimError('RunContainerError', message);
    }
    this.#schedule(container);
    await this.#save();
    return state;
  }

  async signal(id: string, signal: string): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined || container.state.state === 'exited') return;
    if (signal === 'SIGKILL') await this.#end(id, { exitCode: 137 });
    else if (container.plan.ignoresTerm !== true) await this.#end(id, { exitCode: 0 });
  }

  async remove(id: string): Promise<void> {
    this.#timers.get(id)?.cancel();
    this.#containers.delete(id);
    await this.#save();
  }

  exec(id: string, _argv: readonly string[], _request: ExecRequest): ExecSession {
    const container = this.#containers.get(id);
    if (container === undefined) throw new ShimError('NotFound', `exec: there is no container ${id}`);
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    stdout.end();
    stderr.end();
    return {
      stdin,
      stdout,
      stderr,
      ended: Promise.resolve({ exitCode: container.plan.execExitCode ?? 0 }),
      resize() {},
      kill() {},
    };
  }

  list(): Promise<RuntimeState> {
    const containers = [...this.#containers.values()].map(({ state }) => state);
    return Promise.resolve({ sandboxes: [...this.#sandboxes.values()], containers });
  }

  watch(handler: (event: RuntimeEvent) => void): { stop(): void } {
    return this.#events.watch(handler);
  }

  stats(id: string): Promise<ContainerStats | undefined> {
    return Promise.resolve(this.#containers.has(id) ? { cpuUsageNanos: 0, memoryWorkingSetBytes: 0 } : undefined);
  }

  pretendProbe(id: string): boolean {
    const container = this.#containers.get(id);
    return container?.state.state === 'running' && (container.plan.execExitCode ?? 0) === 0;
  }

  gc(): Promise<string[]> {
    return Promise.resolve([]);
  }

  #planOf(pod: { namespace: string; name: string }, annotations: Record<string, string>): HollowPlan {
    return { ...planOf(annotations), ...this.#options.plan?.(pod) };
  }

  #imageOf(ref: string): ImageState {
    const id = `sha256:${createHash('sha256').update(ref).digest('hex')}`;
    const config = { entrypoint: [], command: ['/pretend'], env: [], user: '', workingDir: '/' };
    const image = { ref, id, sizeBytes: 1000, config };
    this.#images.set(ref, image);
    return image;
  }

  #schedule(container: HollowContainer): void {
    if (container.endsAtMs === undefined || container.state.state === 'exited') return;
    const { id } = container.state;
    const delayMs = Math.max(0, container.endsAtMs - this.#ctx.clock.now());
    const { exitCode = 0, exitReason } = container.plan;
    const how = { exitCode, ...(exitReason === undefined ? {} : { reason: exitReason }) };
    this.#timers.set(
      id,
      this.#ctx.clock.timer(delayMs, () => void this.#end(id, how)),
    );
  }

  async #end(id: string, how: { exitCode: number; reason?: string; message?: string }): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined || container.state.state === 'exited') return;
    container.state = { ...container.state, ...how, state: 'exited', finishedAtMs: this.#ctx.clock.now() };
    this.#timers.get(id)?.cancel();
    this.#events.emit({ type: 'changed', container: container.state });
    await this.#save();
  }

  #save(): Promise<void> {
    return this.#queue.run('save', async () => {
      if (this.#isClosed) return;
      const images = [...this.#images.keys()];
      await writeRecord(this.#file, {
        sandboxes: [...this.#sandboxes.values()],
        containers: [...this.#containers.values()],
        images,
      });
    });
  }
}
