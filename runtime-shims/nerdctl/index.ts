// Does: real containers by `nerdctl`: each verb of the contract as nerdctl calls. Never talks to containerd another way.
import { createInterface } from 'node:readline';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Timer } from '../../lib/base/clock.ts';
import { messageOf } from '../../lib/base/errors.ts';
import { describeFailure, type ExecChild, type ExecOptions, type ExecResult } from '../../lib/exec/exec.ts';
import {
  ShimError,
  type ContainerSpec,
  type ContainerState,
  type ContainerStats,
  type EnsureImageOptions,
  type ExecRequest,
  type ExecSession,
  type ImageState,
  type RegistryAuth,
  type RuntimeEvent,
  type RuntimeShim,
  type RuntimeState,
  type SandboxSpec,
  type SandboxState,
  type ShimContext,
  type ShimErrorKind,
} from '../contract.ts';
import { Cgroups } from '../shared/cgroups.ts';
import { Cni } from '../shared/cni.ts';
import { RuntimeEvents } from '../shared/emitter.ts';
import { containerIdOf, sandboxIdOf } from '../shared/identity.ts';
import { KeyedQueue } from '../shared/queue.ts';
import { readRecord, removeTree, writeRecord } from '../shared/records.ts';
import { normalizeReference, parseReference } from '../shared/references.ts';
import { PAUSE_IMAGE, pauseArguments, pullArguments, runArguments } from './arguments.ts';
import { execByNerdctl } from './exec.ts';
import { containerOf, endedInEvent, imageOf, pauseOf, type Inspected, type PauseContainer } from './inspect.ts';

const GONE =
  /connection refused|cannot access containerd socket|Cannot connect to the Docker daemon|no such file or directory.*\.sock/;
const NOT_THERE = /[Nn]o such (container|object|image)|not found/;
const EVENTS_PAUSE_MS = 1000;

export async function openNerdctlShim(ctx: ShimContext): Promise<RuntimeShim> {
  const shim = new NerdctlShim(ctx);
  shim.open();
  return shim;
}

class NerdctlShim implements RuntimeShim {
  readonly name = 'nerdctl';
  readonly logFormat = 'json-file';
  readonly #ctx: ShimContext;
  readonly #base: string[];
  readonly #cni: Cni;
  readonly #cgroups: Cgroups;
  readonly #events = new RuntimeEvents();
  readonly #queue = new KeyedQueue();
  #child: ExecChild | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(ctx: ShimContext) {
    const { containerdAddress, containerdNamespace, podCidr, stateDir } = ctx.settings;
    this.#ctx = ctx;
    this.#base = [
      'nerdctl',
      ...(containerdAddress === undefined ? [] : ['--address', containerdAddress]),
      ...(containerdNamespace === undefined ? [] : ['--namespace', containerdNamespace]),
      // Names, shared memory, logs: in the kubelet's own directory, or they outlive the cluster below /var/lib.
      '--data-root',
      join(stateDir, 'nerdctl'),
    ];
    this.#cgroups = new Cgroups(ctx.settings.cgroupRoot);
    this.#cni = new Cni({ exec: ctx.exec, podCidr, dataDir: join(stateDir, 'addresses') });
  }

  open(): void {
    if (this.#isClosed) return;
    const child = this.#ctx.exec.spawn([...this.#base, 'events', '--format', '{{json .}}']);
    this.#child = child;
    child.stderr.resume();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const id = endedInEvent(line);
      if (id !== undefined) void this.#tell(id);
    });
    this.#events.emit({ type: 'gap', why: 'the event stream has begun' });
    void child.ended.then(() => {
      if (!this.#isClosed) this.#timer = this.#ctx.clock.timer(EVENTS_PAUSE_MS, () => this.open());
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#child?.kill('SIGTERM');
    await this.#child?.ended;
  }

  async version(): Promise<{ name: string; version: string }> {
    const text = await this.#run(['version', '--format', '{{json .}}'], 'Unavailable');
    type Component = { Name?: string; Version?: string };
    const answer = JSON.parse(text) as { Server?: { Version?: string; Components?: Component[] } };
    const containerd = answer.Server?.Components?.find(({ Name }) => Name === 'containerd')?.Version;
    return { name: 'containerd', version: (containerd ?? answer.Server?.Version ?? 'unknown').replace(/^v/, '') };
  }

  async ensureImage(ref: string, options: EnsureImageOptions): Promise<ImageState> {
    const name = normalizeReference(ref);
    return this.#queue.run(`image ${name}`, async () => {
      const found = options.policy === 'Always' ? undefined : await this.#image(name);
      if (found !== undefined) return found;
      if (options.policy === 'Never')
        throw new ShimError('ErrImageNeverPull', `Container image "${ref}" is not present with pull policy of Never`);
      options.onPull?.();
      await this.#pull(name, options);
      const pulled = await this.#image(name);
      if (pulled === undefined) throw new ShimError('ErrImagePull', `image "${name}" was pulled, but is not there`);
      return pulled;
    });
  }

  async #image(name: string): Promise<ImageState | undefined> {
    const result = await this.#ask(['image', 'inspect', name]);
    if (result.exitCode !== 0) return undefined;
    const [image] = JSON.parse(result.stdout) as Array<Record<string, unknown>>;
    return image === undefined ? undefined : imageOf(name, image);
  }

  /** Passwords go by a file, never by arguments, which every user of the machine could read. */
  async #pull(name: string, options: EnsureImageOptions): Promise<void> {
    const directory = join(this.#ctx.settings.stateDir, 'login', this.#ctx.chance.uuid());
    try {
      if (options.auth !== undefined) await writeLogin(directory, name, options.auth);
      const env: ExecOptions = options.auth === undefined ? {} : { env: { DOCKER_CONFIG: directory } };
      await this.#run(pullArguments(name, options), 'ErrImagePull', { ...env, timeoutMs: 900_000 });
    } finally {
      await removeTree(directory);
    }
  }

  async listImages(): Promise<Array<{ ref: string; sizeBytes: number }>> {
    const text = await this.#run(['images', '--format', '{{.Repository}}:{{.Tag}}'], 'ImageInspectError');
    return text
      .split('\n')
      .filter(Boolean)
      .map((ref) => ({ ref, sizeBytes: 0 }));
  }

  async importArchive(file: string): Promise<string[]> {
    const text = await this.#run(['load', '--input', file], 'ErrImagePull', { timeoutMs: 900_000 });
    return [...text.matchAll(/^(?:Loaded image:|unpacking) (\S+)/gm)].map((match) => match[1]!);
  }

  // ---- sandboxes --------------------------------------------------------------------------------------------------

  createSandbox(spec: SandboxSpec): Promise<SandboxState> {
    const id = sandboxIdOf(spec.pod.uid, spec.attempt);
    return this.#queue.run(id, async () => {
      const known = (await this.#sandboxes()).find((sandbox) => sandbox.id === id && sandbox.state === 'ready');
      if (known !== undefined) return known;
      await this.#takeDown(id);
      const image = this.#ctx.settings.pauseImage ?? PAUSE_IMAGE;
      await this.ensureImage(image, { policy: 'IfNotPresent' });
      await this.#cgroups.createPod(spec.pod.uid, spec.limits);
      await this.#run(pauseArguments(id, spec, image), 'CreatePodSandboxError');
      const [pause] = await this.#inspect([id]);
      const ip = spec.hostNetwork ? this.#ctx.settings.nodeIp : await this.#cni.add(id, netnsOf(pauseOf(pause ?? {})));
      await writeRecord(this.#sandboxFile(id), { spec, ip });
      return (await this.#sandboxes()).find((sandbox) => sandbox.id === id)!;
    });
  }

  removeSandbox(id: string): Promise<void> {
    return this.#queue.run(id, () => this.#takeDown(id));
  }

  async #takeDown(id: string): Promise<void> {
    const [pause] = await this.#inspect([id]);
    const known = pauseOf(pause ?? {});
    if ((await this.#cni.holders()).has(id))
      await this.#cni.remove(id, known?.isRunning === true ? netnsOf(known) : '');
    await this.#removeIfThere(id);
    const record = await readRecord<{ spec: SandboxSpec }>(this.#sandboxFile(id));
    if (record !== undefined) await this.#cgroups.removePod(record.spec.pod.uid);
    await removeTree(this.#sandboxFile(id));
  }

  async #sandboxes(): Promise<SandboxState[]> {
    const pauses = (await this.#inspectAll()).flatMap((one) => pauseOf(one) ?? []);
    return Promise.all(
      pauses.map(async (pause) => {
        const record = await readRecord<{ spec: SandboxSpec; ip: string }>(this.#sandboxFile(pause.id));
        const { id, pod, attempt, createdAtMs } = pause;
        const state = pause.isRunning && record !== undefined ? 'ready' : 'lost';
        return { id, pod, attempt, createdAtMs, state, netns: netnsOf(pause), ip: record?.ip ?? '' } as const;
      }),
    );
  }

  #sandboxFile(id: string): string {
    return join(this.#ctx.settings.stateDir, 'sandboxes', `${id}.json`);
  }

  // ---- containers -------------------------------------------------------------------------------------------------

  runContainer(spec: ContainerSpec): Promise<ContainerState> {
    const id = containerIdOf(spec.pod.uid, spec.name, spec.attempt);
    return this.#queue.run(id, async () => {
      const [known] = await this.#inspect([id]);
      if (known !== undefined) return containerOf(known)!;
      const sandbox = await readRecord<{ spec: SandboxSpec }>(this.#sandboxFile(spec.sandboxId));
      if (sandbox === undefined) throw new ShimError('CreateContainerError', `there is no sandbox ${spec.sandboxId}`);
      const result = await this.#ask(runArguments(id, spec, sandbox.spec, this.#cgroups.podPath(spec.pod.uid)));
      const [made] = await this.#inspect([id]);
      if (result.exitCode === 0 && made !== undefined) return containerOf(made)!;
      // What could not be started stays as `created`; the list tells it as ended with 128.
      throw new ShimError(made === undefined ? 'CreateContainerError' : 'RunContainerError', describeFailure(result));
    });
  }

  async signal(id: string, signal: string): Promise<void> {
    const result = await this.#ask(['kill', '--signal', signal, id]);
    if (result.exitCode !== 0 && !NOT_THERE.test(result.stderr) && !/not running|already finished/.test(result.stderr))
      throw new ShimError('KillContainerError', describeFailure(result));
  }

  remove(id: string): Promise<void> {
    return this.#queue.run(id, () => this.#removeIfThere(id));
  }

  exec(id: string, argv: readonly string[], request: ExecRequest): ExecSession {
    const errorsFile = join(this.#ctx.settings.stateDir, `exec-${this.#ctx.chance.uuid()}`);
    return execByNerdctl(this.#ctx.exec, { base: this.#base, id, errorsFile }, argv, request);
  }

  async list(): Promise<RuntimeState> {
    const containers = (await this.#inspectAll()).flatMap((one) =>
      pauseOf(one) === undefined ? (containerOf(one) ?? []) : [],
    );
    return { sandboxes: await this.#sandboxes(), containers };
  }

  watch(handler: (event: RuntimeEvent) => void): { stop(): void } {
    return this.#events.watch(handler);
  }

  /** nerdctl names a container's control group after its own id, below the pod's. */
  async stats(id: string): Promise<ContainerStats | undefined> {
    const [inspected] = await this.#inspect([id]);
    const known = inspected === undefined ? undefined : containerOf(inspected);
    if (known === undefined || inspected?.Id === undefined) return undefined;
    return this.#cgroups.stats(known.pod.uid, inspected.Id);
  }

  async gc(): Promise<string[]> {
    const removed: string[] = [];
    const known = new Set((await this.#sandboxes()).map(({ id }) => id));
    for (const id of await this.#cni.holders()) {
      if (known.has(id) || this.#queue.isBusy(id)) continue;
      await this.#cni.remove(id, '');
      removed.push(`address of sandbox ${id}`);
    }
    return removed;
  }

  // ---- nerdctl ----------------------------------------------------------------------------------------------------

  async #tell(id: string): Promise<void> {
    try {
      const [inspected] = await this.#inspect([id]);
      const container =
        inspected === undefined || pauseOf(inspected) !== undefined ? undefined : containerOf(inspected);
      if (container !== undefined) this.#events.emit({ type: 'changed', container });
    } catch (error) {
      this.#events.emit({ type: 'gap', why: messageOf(error) });
    }
  }

  async #inspectAll(): Promise<Inspected[]> {
    const ids = (await this.#run(['ps', '--all', '--quiet', '--no-trunc'], 'Unavailable')).split('\n').filter(Boolean);
    return ids.length === 0 ? [] : this.#inspect(ids);
  }

  /** One that vanishes meanwhile makes nerdctl fail, yet the others are printed. */
  async #inspect(ids: string[]): Promise<Inspected[]> {
    const result = await this.#ask(['container', 'inspect', ...ids]);
    if (result.exitCode !== 0 && !NOT_THERE.test(result.stderr))
      throw new ShimError('Unavailable', describeFailure(result));
    const text = result.stdout.trim();
    return text === '' ? [] : (JSON.parse(text) as Inspected[]);
  }

  async #removeIfThere(id: string): Promise<void> {
    const result = await this.#ask(['rm', '--force', id]);
    if (result.exitCode !== 0 && !NOT_THERE.test(result.stderr))
      throw new ShimError('KillContainerError', describeFailure(result));
  }

  async #run(args: string[], kind: ShimErrorKind, options: ExecOptions = {}): Promise<string> {
    const result = await this.#ask(args, options);
    if (result.exitCode !== 0) throw new ShimError(kind, describeFailure(result));
    return result.stdout;
  }

  async #ask(args: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const result = await this.#ctx.exec.run([...this.#base, ...args], { timeoutMs: 60_000, ...options });
    if (result.exitCode !== 0 && (result.exitCode === null || GONE.test(result.stderr)))
      throw new ShimError('Unavailable', describeFailure(result));
    return result;
  }
}

function netnsOf(pause: PauseContainer | undefined): string {
  return `/proc/${pause?.pid ?? 0}/ns/net`;
}

async function writeLogin(directory: string, name: string, auth: RegistryAuth): Promise<void> {
  const { host } = parseReference(name);
  const key = host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
  const login = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [key]: { auth: login } } }), {
    mode: 0o600,
  });
}
