// Decides which containers of a pod start, start again, or must be ended while the pod shall run. Never ends the pod.
import { ownValue } from '../../../lib/base/records.ts';
import type { Container } from '../../../lib/api/generated/types.ts';
import type { ContainerKind, ContainerState, SandboxState } from '../../../runtime-shims/contract.ts';
import { restartDueInMs, shownReason, shownReasonChangesInMs } from './backoff.ts';
import { killContainer } from './decide-kill.ts';
import { pullKey, startKey } from './effects.ts';
import type { Plan } from './plan.ts';
import { fatalProbe, hasStarted, PROBE_KINDS, probeDueInMs, probeOf, type ProbeKind } from './probe-machine.ts';
import { isSidecar, isUnderWay, latestRun, stepPod, type PodState } from './pod-state.ts';

/** Shall a container that has ended run again, as long as its pod shall? */
export function willRestart(state: PodState, container: Container, run: ContainerState, kind: ContainerKind): boolean {
  if (kind === 'ephemeral') return false;
  if (kind === 'init' && !isSidecar(container) && run.exitCode === 0) return false;
  const policy = isSidecar(container) ? 'Always' : (state.pod.spec.restartPolicy ?? 'Always');
  if (policy === 'Always') return true;
  return policy === 'OnFailure' && run.exitCode !== 0;
}

/** An init container is done for this sandbox: a new sandbox wants it again. */
function isInitDone(state: PodState, container: Container, sandbox: SandboxState): boolean {
  const run = latestRun(state, container.name);
  if (run === undefined || run.sandboxId !== sandbox.id) return false;
  if (isSidecar(container)) return run.state === 'running' && hasStarted(container, state.probes[run.id] ?? {});
  return run.state === 'exited' && run.exitCode === 0;
}

/** A main container in the sandbox proves that the init containers were done, even when their records are gone. */
export function areInitsDone(state: PodState, sandbox: SandboxState): boolean {
  const hasBegun = state.containers.some((run) => run.kind === 'main' && run.sandboxId === sandbox.id);
  return hasBegun || (state.pod.spec.initContainers ?? []).every((container) => isInitDone(state, container, sandbox));
}

/** The first init container that is not done, and every sidecar before it. */
export function runInitContainers(plan: Plan, sandbox: SandboxState): void {
  for (const container of plan.state.pod.spec.initContainers ?? []) {
    const done = isInitDone(plan.state, container, sandbox);
    if (!done || isSidecar(container)) keepRunning(plan, container, 'init', sandbox);
    if (!done) return;
  }
}

export function runMainContainers(plan: Plan, sandbox: SandboxState): void {
  for (const container of (plan.state.pod.spec.initContainers ?? []).filter(isSidecar))
    keepRunning(plan, container, 'init', sandbox);
  for (const container of plan.state.pod.spec.containers) keepRunning(plan, container, 'main', sandbox);
}

/** Beside whatever else the pod is doing, once each: one that has ended, or that an earlier kubelet saw end, stays ended. */
export function runEphemeralContainers(plan: Plan, sandbox: SandboxState): void {
  const ended = (plan.state.pod.status?.ephemeralContainerStatuses ?? [])
    .filter(({ state }) => state?.terminated !== undefined)
    .map(({ name }) => name);
  for (const container of plan.state.pod.spec.ephemeralContainers ?? [])
    if (!ended.includes(container.name)) keepRunning(plan, container, 'ephemeral', sandbox);
}

function keepRunning(plan: Plan, container: Container, kind: ContainerKind, sandbox: SandboxState): void {
  const run = latestRun(plan.state, container.name);
  if (run?.state === 'running') return watch(plan, container, run, sandbox);
  if (isUnderWay(plan.state, startKey(container.name))) return;
  if (run === undefined) return start(plan, container, kind, sandbox);
  const isOfOldSandbox = run.sandboxId !== sandbox.id && kind === 'init';
  if (!isOfOldSandbox && !willRestart(plan.state, container, run, kind)) return;
  const waitMs = restartDueInMs(ownValue(plan.state.backoffs, container.name), run.finishedAtMs ?? plan.now, plan.now);
  if (waitMs === 0) return start(plan, container, kind, sandbox, run);
  plan.lookAgainIn(waitMs);
  const { namespace = '', name, uid = '' } = plan.state.pod.metadata;
  const message = `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`;
  plan.sayOnce(`backoff:${run.id}`, { eventType: 'Warning', reason: 'BackOff', message, container: container.name });
}

/** First its image, then the container: a pod that is deleted meanwhile need not wait for a long pull. */
function start(
  plan: Plan,
  container: Container,
  kind: ContainerKind,
  sandbox: SandboxState,
  last?: ContainerState,
): void {
  const attempt = (ownValue(plan.state.attempts, container.name) ?? -1) + 1;
  const hasImage = ownValue(plan.state.images, container.name) === attempt;
  const key = hasImage ? startKey(container.name) : pullKey(container.name);
  const failure = ownValue(plan.state.failures, key);
  if (failure !== undefined && failure.retryAtMs > plan.now) return waitForStart(plan, container, failure);
  if (!hasImage) return plan.want({ type: 'ensureImage', key, container, attempt });
  if (last !== undefined && failure === undefined) {
    const finishedAtMs = last.finishedAtMs ?? plan.now;
    plan.state = stepPod(plan.state, { type: 'restarting', name: container.name, finishedAtMs }, plan.now);
  }
  plan.want({ type: 'startContainer', key, container, kind, attempt, sandboxId: sandbox.id });
}

function waitForStart(plan: Plan, container: Container, failure: PodState['failures'][string]): void {
  plan.lookAgainIn(failure.retryAtMs - plan.now);
  const changesInMs = shownReasonChangesInMs(failure, plan.now);
  if (changesInMs !== undefined) plan.lookAgainIn(changesInMs);
  if (shownReason(failure, plan.now) !== 'ImagePullBackOff') return;
  const about = `pull:${container.name}:${failure.count}`;
  const message = `Back-off pulling image "${container.image ?? ''}"`;
  plan.sayOnce(about, { eventType: 'Normal', reason: 'BackOff', message, container: container.name });
  plan.sayOnce(`${about}:error`, {
    eventType: 'Warning',
    reason: 'Failed',
    message: 'Error: ImagePullBackOff',
    container: container.name,
  });
}

function watch(plan: Plan, container: Container, run: ContainerState, sandbox: SandboxState): void {
  const probes = plan.state.probes[run.id] ?? {};
  const graceSeconds = plan.state.pod.spec.terminationGracePeriodSeconds ?? 30;
  const fatal = fatalProbe(container, probes);
  if (run.sandboxId !== sandbox.id)
    return killContainer(plan, run, `Stopping container ${run.name}: its sandbox is gone`, 0);
  if (!isSameImage(run.imageRef, container.image ?? ''))
    return killContainer(plan, run, `Container ${run.name} definition changed, will be restarted`, graceSeconds);
  if (fatal !== undefined) {
    const ownGrace = probeOf(container, fatal)?.terminationGracePeriodSeconds;
    return killContainer(
      plan,
      run,
      `Container ${run.name} failed ${fatal} probe, will be restarted`,
      ownGrace ?? graceSeconds,
    );
  }
  // A kill that was begun (a hook that failed, a probe that has recovered since) is carried to its end.
  const kill = plan.state.kills[run.id];
  if (kill !== undefined) return killContainer(plan, run, kill.why, graceSeconds);
  probeContainer(plan, container, run, PROBE_KINDS);
}

export function probeContainer(
  plan: Plan,
  container: Container,
  run: ContainerState,
  kinds: readonly ProbeKind[],
): void {
  for (const kind of kinds) {
    const dueInMs = probeDueInMs(container, kind, plan.state.probes[run.id] ?? {}, run.startedAtMs, plan.now);
    if (dueInMs === undefined) continue;
    if (dueInMs > 0) plan.lookAgainIn(dueInMs);
    else
      plan.want({
        type: 'probe',
        key: `probe:${run.id}:${kind}`,
        id: run.id,
        container,
        kind,
        probe: probeOf(container, kind)!,
      });
  }
}

/** The runtime keeps names in full: `docker.io/library/busybox:latest` is what `busybox` meant. */
function isSameImage(full: string, asked: string): boolean {
  const names = [asked, `${asked}:latest`];
  return (
    full === '' ||
    names.some((name) => full === name || full === `docker.io/${name}` || full === `docker.io/library/${name}`)
  );
}
