// Does: what a pod's worker decided, one effect at a time: volumes, sandbox, image, container, hooks, signals, removal.
// Never decides what comes next.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Container, EphemeralContainer, LifecycleHandler, Pod } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Clock } from '../../../lib/base/clock.ts';
import { sleep } from '../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Client } from '../../../lib/client/client.ts';
import type { ClusterFacts } from '../../../lib/actor/settings.ts';
import {
  ShimError,
  type ImageState,
  type PullPolicy,
  type RuntimeShim,
  type SandboxState,
} from '../../../runtime-shims/contract.ts';
import { containerSpecOf, podIdentityOf } from '../core/container-spec.ts';
import type { PodEffect, PodEvent } from '../core/effects.ts';
import { environmentOf, serviceVariables } from '../core/environment.ts';
import type { FieldSurroundings } from '../core/fields.ts';
import { hostnameOf, hostsFileOf, resolvConfOf } from '../core/network-files.ts';
import { definitionOf, latestRun, readySandbox, type PodState } from '../core/pod-state.ts';
import { PodProblem } from '../core/problem.ts';
import { registryAuthOf } from '../core/pull-secrets.ts';
import { podLimitsOf } from '../core/resources.ts';
import { plannedVolumes } from '../core/volumes.ts';
import type { Limit } from './limit.ts';
import type { KubeletPaths } from './paths.ts';
import { askHttp, type Prober } from './prober.ts';
import type { RuntimeView } from './runtime-view.ts';
import type { PodSources } from './sources.ts';
import type { VolumeWriter } from './volume-writer.ts';

export interface EffectTools {
  clock: Clock;
  log: Log;
  shim: RuntimeShim;
  view: RuntimeView;
  paths: KubeletPaths;
  sources: PodSources;
  volumes: VolumeWriter;
  prober: Prober;
  /** Calls to the runtime at once, on the whole node. */
  calls: Limit;
  pulls: Limit;
  /** Archives that were given to the node have been imported. */
  archivesImported: Promise<void>;
  node: { name: string; ip: string; cluster: ClusterFacts; cpuMillis: number; memoryBytes: number };
}

/** What one worker lends to its effects. */
export interface EffectWorker {
  readonly state: PodState;
  readonly client: Client;
  say(event: PodEvent): void;
  /** Once per name of a container in this pod's life: its image as the runtime has it. */
  readonly images: Map<string, ImageState>;
  flushStatus(): Promise<void>;
  /** Nothing of the pod is being written to disk. */
  settled(): Promise<void>;
}

const HOOK_TIMEOUT_MS = 30_000;

/** One line for the trace: what was done; undefined: nothing worth a line. Throws ShimError, PodProblem, ApiError. */
export async function doEffect(
  tools: EffectTools,
  worker: EffectWorker,
  effect: PodEffect,
): Promise<string | undefined> {
  const { shim, view } = tools;
  const { pod } = worker.state;
  switch (effect.type) {
    case 'prepareVolumes':
      return prepareVolumes(tools, worker);
    case 'createSandbox': {
      const sandbox = await tools.calls.run(() => shim.createSandbox(sandboxSpecOf(pod, effect.attempt)));
      view.putSandbox(sandbox);
      return `made sandbox with address ${sandbox.ip}`;
    }
    case 'removeSandbox':
      await tools.calls.run(() => shim.removeSandbox(effect.id));
      view.dropSandbox(effect.id);
      return 'removed sandbox';
    case 'ensureImage':
      return ensureImage(tools, worker, effect.container);
    case 'startContainer':
      return startContainer(tools, worker, effect);
    case 'preStop':
      return preStop(tools, worker, effect);
    case 'signal': {
      const signal = effect.signal === 'stop' ? await stopSignalOf(tools, worker, effect.name) : effect.signal;
      await shim.signal(effect.id, signal);
      return `sent ${signal} to container ${effect.name}`;
    }
    case 'probe':
      throw new Error('probes are answered by the worker');
    case 'removeContainer':
      await tools.calls.run(() => shim.remove(effect.id));
      await removeLog(tools, worker, effect.id);
      view.dropContainer(effect.id);
      return undefined;
    case 'unmountVolumes':
      await tools.volumes.remove(pod.metadata.uid ?? '');
      return 'removed volumes';
    case 'removeFiles':
      await worker.settled();
      await rm(tools.paths.podLogs(pod), { recursive: true, force: true });
      // Last: while this is there, a kubelet that was killed in between goes on with the removal.
      await rm(tools.paths.pod(pod.metadata.uid ?? ''), { recursive: true, force: true });
      return undefined;
    case 'deletePod':
      return deletePod(worker);
  }
}

function surroundingsOf(tools: EffectTools, pod: Pod, sandbox: SandboxState | undefined): FieldSurroundings {
  const { name, ip, cpuMillis, memoryBytes } = tools.node;
  return {
    pod,
    podIp: sandbox?.ip ?? pod.status?.podIP ?? '',
    hostIp: ip,
    nodeName: name,
    allocatable: { cpuMillis, memoryBytes },
  };
}

async function prepareVolumes(tools: EffectTools, worker: EffectWorker): Promise<string | undefined> {
  const { pod } = worker.state;
  await mkdir(tools.paths.pod(pod.metadata.uid ?? ''), { recursive: true, mode: 0o711 });
  const around = surroundingsOf(tools, pod, readySandbox(worker.state));
  const planned = plannedVolumes(around, await tools.sources.of(pod));
  await tools.volumes.write(pod, planned);
  return worker.state.volumes === 'ready' || planned.length === 0 ? undefined : `made ${planned.length} volumes`;
}

function sandboxSpecOf(pod: Pod, attempt: number) {
  const { spec, metadata } = pod;
  return {
    pod: podIdentityOf(pod),
    attempt,
    hostname: hostnameOf(pod),
    hostNetwork: spec.hostNetwork === true,
    hostPid: spec.hostPID === true,
    hostIpc: spec.hostIPC === true,
    shareProcessNamespace: spec.shareProcessNamespace === true,
    limits: podLimitsOf(spec),
    annotations: metadata.annotations ?? {},
  };
}

// ---- images ---------------------------------------------------------------------------------------------------------

async function ensureImage(tools: EffectTools, worker: EffectWorker, container: Container): Promise<string> {
  await tools.archivesImported;
  const ref = container.image ?? '';
  const secrets = Object.values((await tools.sources.of(worker.state.pod)).secrets);
  const named = new Set((worker.state.pod.spec.imagePullSecrets ?? []).map(({ name }) => name));
  const auth = registryAuthOf(
    ref,
    secrets.filter(({ metadata }) => named.has(metadata.name)),
  );
  const beganAtMs = tools.clock.monotonic();
  let isPulled = false;
  const onPull = (): void => {
    isPulled = true;
    worker.say({
      eventType: 'Normal',
      reason: 'Pulling',
      message: `Pulling image "${ref}"`,
      container: container.name,
    });
  };
  const policy = policyOf(container);
  const image = await tools.pulls.run(() =>
    tools.shim.ensureImage(ref, { policy, onPull, ...(auth === undefined ? {} : { auth }) }),
  );
  worker.images.set(container.name, image);
  const seconds = ((tools.clock.monotonic() - beganAtMs) / 1000).toFixed(3);
  const pulled = `Successfully pulled image "${ref}" in ${seconds}s (${seconds}s including waiting). Image size: ${image.sizeBytes} bytes.`;
  const message = isPulled ? pulled : `Container image "${ref}" already present on machine`;
  worker.say({ eventType: 'Normal', reason: 'Pulled', message, container: container.name });
  return isPulled ? `pulled image ${ref}` : `found image ${ref}`;
}

function policyOf({ image = '', imagePullPolicy }: Container): PullPolicy {
  if (imagePullPolicy === 'Always' || imagePullPolicy === 'Never' || imagePullPolicy === 'IfNotPresent')
    return imagePullPolicy;
  const name = image.split('/').at(-1)!;
  return name.endsWith(':latest') || !/[:@]/.test(name) ? 'Always' : 'IfNotPresent';
}

/** The pod's own word, the image's, or TERM. */
async function stopSignalOf(tools: EffectTools, worker: EffectWorker, name: string): Promise<string> {
  const container = definitionOf(worker.state.pod, name);
  const own = container?.lifecycle?.stopSignal;
  if (own !== undefined && own !== '') return own;
  let image = worker.images.get(name);
  if (image === undefined && container?.image !== undefined)
    image = await tools.shim.ensureImage(container.image, { policy: 'Never' }).catch(() => undefined);
  const said = image?.config.stopSignal ?? 'SIGTERM';
  return /^\d+$/.test(said) || said.startsWith('SIG') ? said : `SIG${said}`;
}

// ---- containers -----------------------------------------------------------------------------------------------------

type Start = Extract<PodEffect, { type: 'startContainer' }>;

async function startContainer(tools: EffectTools, worker: EffectWorker, effect: Start): Promise<string> {
  const { container } = effect;
  const spec = await specOf(tools, worker, effect);
  const said = (reason: string, message: string): void =>
    worker.say({ eventType: 'Normal', reason, message, container: container.name });
  const run = await tools.calls.run(() => tools.shim.runContainer(spec));
  said('Created', `Created container: ${container.name}`);
  said('Started', `Started container ${container.name}`);
  tools.view.putContainer(run);
  const hook = container.lifecycle?.postStart;
  if (hook !== undefined) await postStart(tools, worker, container, run.id, hook);
  return `started container ${container.name}${effect.attempt === 0 ? '' : ` (restart ${effect.attempt})`}`;
}

async function specOf(tools: EffectTools, worker: EffectWorker, effect: Start) {
  const { pod } = worker.state;
  const uid = pod.metadata.uid ?? '';
  const { container, attempt, kind, sandboxId } = effect;
  const image = worker.images.get(container.name);
  const sandbox = readySandbox(worker.state);
  if (image === undefined || sandbox?.id !== sandboxId)
    throw new ShimError('CreateContainerError', 'the sandbox or the image has changed meanwhile');
  const around = surroundingsOf(tools, pod, sandbox);
  const sources = await tools.sources.of(pod);
  await tools.sources.servicesKnown();
  const services = serviceVariables(tools.sources.services(pod));
  const own = environmentOf({ container, around, sources, image: image.config.env, services });
  const env = { HOSTNAME: hostnameOf(pod), ...own };
  const files = await writePodFiles(tools, pod, sandbox, container, attempt);
  const target = targetOf(worker.state, container);
  const logPath = tools.paths.log(pod, container.name, attempt);
  await mkdir(dirname(logPath), { recursive: true, mode: 0o750 });
  const volumePaths = tools.volumes.paths(pod, plannedVolumes(around, sources));
  const machineBytes = tools.node.memoryBytes;
  const spec = containerSpecOf({
    pod,
    container,
    kind,
    attempt,
    sandboxId,
    image,
    env,
    volumePaths,
    files,
    logPath,
    machineBytes,
    ...(target === undefined ? {} : { processNamespaceOf: target }),
  });
  // A sub-path that is not there is a directory of the container's own.
  for (const { source } of spec.mounts) if (source.startsWith(tools.paths.volumes(uid))) await makeIfMissing(source);
  return spec;
}

/** Of an ephemeral container: whose processes it came to look at. */
function targetOf(state: PodState, container: Container): string | undefined {
  const { targetContainerName: name = '' } = container as EphemeralContainer;
  if (name === '') return undefined;
  const run = latestRun(state, name);
  if (run?.state === 'running') return run.id;
  throw new PodProblem(
    'CreateContainerError',
    `target container "${name}" of container ${container.name} is not running`,
  );
}

async function makeIfMissing(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Containers that run hold these files open by their inode: they are written in place. */
async function writePodFiles(
  tools: EffectTools,
  pod: Pod,
  sandbox: SandboxState,
  container: Container,
  attempt: number,
) {
  const uid = pod.metadata.uid ?? '';
  const { dnsIp, domain } = tools.node.cluster;
  const nodeFile = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const files = {
    hosts: tools.paths.podFile(uid, 'hosts'),
    resolvConf: tools.paths.podFile(uid, 'resolv.conf'),
    hostname: tools.paths.podFile(uid, 'hostname'),
    terminationLog: tools.paths.terminationLog(uid, container.name, attempt),
  };
  await mkdir(dirname(files.terminationLog), { recursive: true });
  await writeFile(files.hosts, hostsFileOf(pod, sandbox.ip, domain, await nodeFile('/etc/hosts')));
  await writeFile(
    files.resolvConf,
    resolvConfOf(pod, { dnsIp, domain, nodeResolvConf: await nodeFile('/etc/resolv.conf') }),
  );
  await writeFile(files.hostname, `${hostnameOf(pod)}\n`);
  await writeFile(files.terminationLog, '', { flag: 'a' });
  await chmod(files.terminationLog, 0o666);
  return files;
}

async function removeLog(tools: EffectTools, worker: EffectWorker, id: string): Promise<void> {
  const run = tools.view.container(id);
  // While the pod is there, only runs that nobody can ask for lose their logs.
  if (run === undefined || run.logPath === '' || worker.state.presence === 'gone') return;
  for (const path of [run.logPath, `${run.logPath}.times`]) await rm(path, { force: true });
}

// ---- hooks ----------------------------------------------------------------------------------------------------------

/** A hook that fails ends its container, which then follows its restart policy. */
async function postStart(
  tools: EffectTools,
  worker: EffectWorker,
  container: Container,
  id: string,
  hook: LifecycleHandler,
): Promise<void> {
  try {
    await runHook(tools, worker, container, id, hook, HOOK_TIMEOUT_MS);
  } catch (error) {
    worker.say({
      eventType: 'Warning',
      reason: 'FailedPostStartHook',
      message: `PostStartHook failed: ${messageOf(error)}`,
      container: container.name,
    });
    await tools.shim.signal(id, 'SIGKILL');
  }
}

async function preStop(
  tools: EffectTools,
  worker: EffectWorker,
  effect: Extract<PodEffect, { type: 'preStop' }>,
): Promise<string> {
  const { container, id, handler, graceSeconds } = effect;
  try {
    await runHook(tools, worker, container, id, handler, graceSeconds * 1000);
    return `ran preStop hook of container ${container.name}`;
  } catch (error) {
    const message = `PreStopHook failed: ${messageOf(error)}`;
    worker.say({ eventType: 'Warning', reason: 'FailedPreStopHook', message, container: container.name });
    return message;
  }
}

async function runHook(
  tools: EffectTools,
  worker: EffectWorker,
  container: Container,
  id: string,
  hook: LifecycleHandler,
  timeoutMs: number,
): Promise<void> {
  if (hook.sleep !== undefined) return sleep(tools.clock, Math.min(hook.sleep.seconds * 1000, timeoutMs));
  const ip = readySandbox(worker.state)?.ip ?? '';
  const answer =
    hook.exec !== undefined
      ? await tools.prober.exec(id, hook.exec.command ?? [], timeoutMs)
      : hook.httpGet !== undefined
        ? await askHttp(container, hook.httpGet, ip, timeoutMs)
        : { ok: true, output: '' };
  if (!answer.ok) throw new PodProblem('FailedHook', answer.output);
}

// ---- the end --------------------------------------------------------------------------------------------------------

/** Its last status first: who waits for the pod's end may want to read it. */
async function deletePod(worker: EffectWorker): Promise<string> {
  const { namespace = '', name, uid = '' } = worker.state.pod.metadata;
  await worker.flushStatus();
  try {
    await worker.client.delete(RESOURCES.pods, { namespace, name }, { uid, graceSeconds: 0 });
  } catch (error) {
    // Another pod of the same name is there by now: ours is gone.
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
  return 'deleted pod: everything of it has ended';
}
