// Decides what a container's status says: waiting, running or terminated, with Kubernetes' words. Never the pod's phase.
import { ownValue } from '../../../lib/base/records.ts';
import type { Container, ContainerState as ApiState, ContainerStatus } from '../../../lib/api/generated/types.ts';
import { toTime } from '../../../lib/base/clock.ts';
import type { ContainerKind, ContainerState } from '../../../runtime-shims/contract.ts';
import { restartDueInMs, shownReason } from './backoff.ts';
import { willRestart } from './decide-run.ts';
import { pullKey, startKey } from './effects.ts';
import { hasStarted, isReady } from './probe-machine.ts';
import { isDeleting, isSidecar, isUnderWay, latestRun, runBefore, type PodState } from './pod-state.ts';

/** `containerd://…`: the scheme names the runtime. */
export type ContainerIdScheme = 'containerd' | 'process' | 'hollow';

export interface StatusSurroundings {
  scheme: ContainerIdScheme;
  hostIp: string;
  now: number;
  /** Last lines of a container's termination message, by container id. */
  terminationMessages: Readonly<Record<string, string>>;
}

export function containerStatusOf(
  state: PodState,
  container: Container,
  kind: ContainerKind,
  around: StatusSurroundings,
): ContainerStatus {
  const run = latestRun(state, container.name);
  const before = run === undefined ? undefined : runBefore(state, run);
  const probes = run === undefined ? {} : (state.probes[run.id] ?? {});
  const isRunning = run?.state === 'running';
  const isInitDone = kind === 'init' && !isSidecar(container) && run?.state === 'exited' && run.exitCode === 0;
  const shown = stateOf(state, container, kind, run, around);
  const last = shown.waiting !== undefined && run?.state === 'exited' ? run : before;
  return {
    name: container.name,
    state: shown,
    lastState: last === undefined ? {} : { terminated: terminatedOf(last, around) },
    ready: kind === 'main' || isSidecar(container) ? isRunning && isReady(container, probes) : isInitDone,
    started: isRunning && hasStarted(container, probes),
    restartCount: ownValue(state.attempts, container.name) ?? 0,
    image: run?.imageRef === undefined || run.imageRef === '' ? (container.image ?? '') : run.imageRef,
    imageID: run?.imageId ?? '',
    ...(run === undefined ? {} : { containerID: `${around.scheme}://${run.id}` }),
  };
}

function stateOf(
  state: PodState,
  container: Container,
  kind: ContainerKind,
  run: ContainerState | undefined,
  around: StatusSurroundings,
): ApiState {
  if (run?.state === 'running') return { running: { startedAt: toTime(run.startedAtMs) } };
  const failure = state.failures[pullKey(container.name)] ?? state.failures[startKey(container.name)];
  const waitsForRepair =
    failure !== undefined &&
    (run === undefined || failure.atMs >= (run.finishedAtMs ?? 0)) &&
    failure.reason !== 'RunContainerError';
  if (waitsForRepair && !isOver(state))
    return { waiting: { reason: shownReason(failure, around.now), message: failure.message } };
  if (run === undefined) return { waiting: { reason: firstReason(state) } };
  if (isOver(state) || !willRestart(state, container, run, kind)) return { terminated: terminatedOf(run, around) };
  const isStarting = isUnderWay(state, startKey(container.name)) || isUnderWay(state, pullKey(container.name));
  if (isStarting) return { terminated: terminatedOf(run, around) };
  const backoff = ownValue(state.backoffs, container.name);
  if (restartDueInMs(backoff, run.finishedAtMs ?? around.now, around.now) === 0)
    return { terminated: terminatedOf(run, around) };
  const { namespace = '', name, uid = '' } = state.pod.metadata;
  const delay = durationText(backoff!.delayMs);
  const message = `back-off ${delay} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
  return { waiting: { reason: 'CrashLoopBackOff', message } };
}

function isOver(state: PodState): boolean {
  return (
    isDeleting(state) ||
    state.verdict !== undefined ||
    state.lifecycle === 'terminating' ||
    state.lifecycle === 'ended' ||
    state.lifecycle === 'cleaning'
  );
}

/** Of a pod with init containers it is said of each, also of those. */
function firstReason({ pod }: PodState): string {
  return (pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
}

function terminatedOf(run: ContainerState, around: StatusSurroundings): NonNullable<ApiState['terminated']> {
  const exitCode = run.exitCode ?? 137;
  const message = around.terminationMessages[run.id] ?? run.message;
  return {
    exitCode,
    reason: run.reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
    ...(message === undefined || message === '' ? {} : { message }),
    startedAt: toTime(run.startedAtMs),
    finishedAt: toTime(run.finishedAtMs ?? run.startedAtMs),
    containerID: `${around.scheme}://${run.id}`,
  };
}

/** `10s`, `2m40s`, `5m0s`: as Go prints durations. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
