// Decides what a kubelet may ask of a container runtime, and what every answer looks like. Never knows a runtime: each
// folder beside it is one, and conformance/ asks all of them the same questions.
import type { Chance } from '../lib/base/chance.ts';
import type { Clock } from '../lib/base/clock.ts';
import type { Log } from '../lib/base/log.ts';
import type { RuntimeName } from '../lib/actor/settings.ts';
import type { Exec } from '../lib/exec/exec.ts';

// ---- images -------------------------------------------------------------------------------------------------------

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface RegistryAuth {
  username: string;
  password: string;
}

/** What an image says about how to run it (the `config` of an OCI image). */
export interface ImageConfig {
  entrypoint: string[];
  command: string[];
  /** `KEY=value` */
  env: string[];
  user: string;
  workingDir: string;
  stopSignal?: string;
}

export interface ImageState {
  /** Normalised reference: `docker.io/library/busybox:1.35`. */
  ref: string;
  /** Digest that identifies the content: `sha256:…`. */
  id: string;
  sizeBytes: number;
  config: ImageConfig;
}

export interface EnsureImageOptions {
  policy: PullPolicy;
  auth?: RegistryAuth;
  /** Called once when the image is not there and pulling begins. */
  onPull?: () => void;
}

// ---- sandboxes ----------------------------------------------------------------------------------------------------

export interface PodIdentity {
  uid: string;
  namespace: string;
  name: string;
}

/** What a pod's containers share: network address, IPC, host name, cgroup parent. */
export interface SandboxSpec {
  pod: PodIdentity;
  /** Counts sandboxes of one pod: a lost one (reboot) is followed by the next. */
  attempt: number;
  hostname: string;
  hostNetwork: boolean;
  hostPid: boolean;
  hostIpc: boolean;
  shareProcessNamespace: boolean;
  /** Limits of the whole pod. */
  limits: Limits;
  annotations: Record<string, string>;
}

export interface SandboxState {
  id: string;
  pod: PodIdentity;
  attempt: number;
  /** lost: its namespaces are gone (reboot); everything in it must be made again. */
  state: 'ready' | 'lost';
  /** Absent for a pod in the host's network. */
  netns?: string;
  ip: string;
  createdAtMs: number;
}

// ---- containers ---------------------------------------------------------------------------------------------------

/** Absent: no limit. CPU as the kernel's shares and microseconds a period. */
export interface Limits {
  cpuShares?: number;
  cpuQuotaMicros?: number;
  cpuPeriodMicros?: number;
  memoryBytes?: number;
  pids?: number;
}

export interface Mount {
  source: string;
  target: string;
  readOnly: boolean;
  /** How mounts made later travel: not at all, host to container, both ways. */
  propagation: 'private' | 'rslave' | 'rshared';
}

export interface UserSpec {
  /** The image's own words: ``, `1000`, `app`, `app:staff`. */
  image: string;
  uid?: number;
  gid?: number;
  groups: number[];
}

/** ephemeral: added to a running pod, to look at it. */
export type ContainerKind = 'init' | 'main' | 'ephemeral';

export interface ContainerSpec {
  pod: PodIdentity;
  sandboxId: string;
  name: string;
  /** Counts runs of this container: 0, 1, 2 … */
  attempt: number;
  kind: ContainerKind;
  image: ImageState;
  argv: string[];
  env: Record<string, string>;
  workingDir: string;
  user: UserSpec;
  mounts: Mount[];
  limits: Limits;
  /** The complete list: `CAP_CHOWN` … */
  capabilities: string[];
  privileged: boolean;
  readOnlyRoot: boolean;
  noNewPrivileges: boolean;
  seccomp: 'unconfined' | 'default';
  oomScoreAdjust: number;
  sysctls: Record<string, string>;
  /** Output goes here, in the shim's `logFormat`; the directory exists. */
  logPath: string;
  annotations: Record<string, string>;
  /** Absent: it reads end of file at once. once: it reads on until the first one who writes has gone. */
  stdin?: 'open' | 'once';
  /** It runs on a terminal of its own. */
  tty: boolean;
  /** Id of the running container whose processes it sees as its own. */
  processNamespaceOf?: string;
}

export interface ContainerState {
  id: string;
  pod: PodIdentity;
  sandboxId: string;
  name: string;
  attempt: number;
  kind: ContainerKind;
  imageRef: string;
  imageId: string;
  logPath: string;
  state: 'running' | 'exited';
  startedAtMs: number;
  finishedAtMs?: number;
  exitCode?: number;
  /** Why it ended, where the exit code does not tell: OOMKilled, StartError, ContainerStatusUnknown. */
  reason?: string;
  message?: string;
}

export interface RuntimeState {
  sandboxes: SandboxState[];
  containers: ContainerState[];
}

export type RuntimeEvent =
  | { type: 'changed'; container: ContainerState }
  /** Events may have been missed: `list()` tells the truth. */
  | { type: 'gap'; why: string };

// ---- exec, stats --------------------------------------------------------------------------------------------------

export interface ExecRequest {
  tty: boolean;
  /** false: the command reads end of file at once. */
  stdin: boolean;
  /** SIGTERM, then SIGKILL, after this; 0 or absent: no limit. */
  timeoutMs?: number;
}

export interface ExecSession {
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  /** Never rejects. `error`: the command could not be run at all. */
  readonly ended: Promise<{ exitCode: number; error?: string }>;
  resize(width: number, height: number): void;
  kill(): void;
}

/** The way to the standard input of a container that has been running all along. */
export interface ContainerInput {
  /** undefined: it was started without. */
  readonly stdin: NodeJS.WritableStream | undefined;
  resize(width: number, height: number): void;
  /** The writer has gone: what has not been taken by then is dropped. */
  close(): Promise<void>;
}

export interface ContainerStats {
  cpuUsageNanos: number;
  memoryWorkingSetBytes: number;
}

// ---- the shim -----------------------------------------------------------------------------------------------------

/**
 * Verbs are idempotent and may be called at the same time for different ids. Containers live on when the shim is closed
 * or its process is killed; the next one finds them with `list`.
 */
export interface RuntimeShim {
  readonly name: RuntimeName;
  readonly logFormat: 'raw' | 'json-file';
  /** Throws ShimError Unavailable when the runtime does not answer. */
  version(): Promise<{ name: string; version: string }>;
  ensureImage(ref: string, options: EnsureImageOptions): Promise<ImageState>;
  listImages(): Promise<Array<{ ref: string; sizeBytes: number }>>;
  /** Loads an OCI or docker archive; the references that it held. */
  importArchive(file: string): Promise<string[]>;
  /** The same pod and attempt again: the same sandbox. */
  createSandbox(spec: SandboxSpec): Promise<SandboxState>;
  /** Leaves nothing: address, namespaces, mounts, cgroups. Containers in it must have been removed. */
  removeSandbox(id: string): Promise<void>;
  /** A container that could not be started is listed as exited with 128, StartError; then this throws RunContainerError. */
  runContainer(spec: ContainerSpec): Promise<ContainerState>;
  /** To the container's first process. One that has ended already is no error. */
  signal(id: string, signal: string): Promise<void>;
  /** Ends it if it runs, forgets it. Its log stays. */
  remove(id: string): Promise<void>;
  exec(id: string, argv: readonly string[], request: ExecRequest): ExecSession;
  /** Absent: this runtime gives no way to it. */
  openInput?(id: string): Promise<ContainerInput>;
  list(): Promise<RuntimeState>;
  watch(handler: (event: RuntimeEvent) => void): { stop(): void };
  stats(id: string): Promise<ContainerStats | undefined>;
  /** Only of a shim whose containers listen to nothing: what a network probe would have said. */
  pretendProbe?(id: string): boolean;
  /** Removes what no list shows: half-made sandboxes, addresses without a sandbox. Says what it removed. */
  gc(): Promise<string[]>;
  close(): Promise<void>;
}

export interface ShimSettings {
  node: string;
  nodeIp: string;
  podCidr: string;
  /** The shim's own files. */
  stateDir: string;
  cgroupRoot: string;
  containerdAddress?: string;
  containerdNamespace?: string;
  /** nerdctl: the image that holds a pod's namespaces; absent: Kubernetes' own, from its registry. */
  pauseImage?: string;
}

export interface ShimContext {
  exec: Exec;
  clock: Clock;
  chance: Chance;
  log: Log;
  settings: ShimSettings;
}

export type OpenShim = (ctx: ShimContext) => Promise<RuntimeShim>;

/** The words that Kubernetes shows as a container's waiting reason, and three of our own. */
export type ShimErrorKind =
  | 'ErrImagePull'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'ImageInspectError'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'CreatePodSandboxError'
  | 'KillContainerError'
  | 'NotFound'
  | 'Unavailable';

export class ShimError extends Error {
  readonly kind: ShimErrorKind;

  constructor(kind: ShimErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ShimError';
    this.kind = kind;
  }
}
