// Decides what a pod's worker does next, from all that it remembers and the time: the level, never the event that woke
// it. Never does it.
import type { ContainerState } from '../../../runtime-shims/contract.ts';
import { killContainer } from './decide-kill.ts';
import {
  areInitsDone,
  probeContainer,
  runEphemeralContainers,
  runInitContainers,
  runMainContainers,
  willRestart,
} from './decide-run.ts';
import type { PodEffect, PodEvent } from './effects.ts';
import { Plan } from './plan.ts';
import { lifecycleAfter, type PodFacts } from './pod-machine.ts';
import {
  definitionOf,
  isDeleting,
  isSidecar,
  latestRun,
  readySandbox,
  type PodState,
  type Verdict,
} from './pod-state.ts';

export interface Decision {
  state: PodState;
  effects: PodEffect[];
  events: PodEvent[];
  againInMs: number | undefined;
}

/** Files of config maps and secrets follow their objects at this pace. */
const REFRESH_VOLUMES_MS = 60_000;
/** Ended runs that are kept: for `lastState` and `logs --previous`. */
const KEPT_RUNS = 2;

export function decidePod(before: PodState, now: number): Decision {
  const plan = new Plan(applyDeadline(before, now), now);
  if (plan.state.isObserved) decideObserved(plan);
  return { state: plan.state, effects: plan.effects, events: plan.events, againInMs: plan.againInMs };
}

function decideObserved(plan: Plan): void {
  const lifecycle = lifecycleAfter(plan.state.lifecycle, factsOf(plan.state));
  plan.state = { ...plan.state, lifecycle };
  switch (lifecycle) {
    case 'preparing':
      return prepare(plan);
    case 'initializing':
      lookAtDeadline(plan);
      runEphemeralContainers(plan, readySandbox(plan.state)!);
      return runInitContainers(plan, readySandbox(plan.state)!);
    case 'running':
      lookAtDeadline(plan);
      removeOldRuns(plan);
      refreshVolumes(plan);
      runEphemeralContainers(plan, readySandbox(plan.state)!);
      return runMainContainers(plan, readySandbox(plan.state)!);
    case 'terminating':
      return terminate(plan);
    case 'cleaning':
      return clean(plan);
    case 'ended':
      return release(plan);
    case 'gone':
      return;
  }
}

export function factsOf(state: PodState): PodFacts {
  const sandbox = readySandbox(state);
  const isBeingMade = state.inFlight.some((key) => key.startsWith('start:') || key === 'sandbox' || key === 'volumes');
  return {
    mustStop: isDeleting(state) || state.verdict !== undefined || isFinished(state),
    sandboxReady: sandbox !== undefined && state.volumes === 'ready',
    initDone: sandbox !== undefined && areInitsDone(state, sandbox),
    isAlive: isBeingMade || state.containers.some((run) => run.state === 'running'),
    holdsResources: state.sandboxes.length > 0 || state.volumes !== 'none',
    isReleased: state.presence === 'gone',
    hasRecords: state.containers.length > 0 || state.hasFiles,
  };
}

/** Everything has ended that was to end, and nothing will start again. */
export function isFinished(state: PodState): boolean {
  const { phase } = state.pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  if (state.inFlight.some((key) => key.startsWith('start:'))) return false;
  const { initContainers = [], containers } = state.pod.spec;
  const hasFailedInit = initContainers.some((container) => {
    const run = latestRun(state, container.name);
    return (
      !isSidecar(container) &&
      run?.state === 'exited' &&
      run.exitCode !== 0 &&
      !willRestart(state, container, run, 'init')
    );
  });
  if (hasFailedInit) return true;
  return containers.every((container) => {
    const run = latestRun(state, container.name);
    return run?.state === 'exited' && !willRestart(state, container, run, 'main');
  });
}

// ---- the stages of a life -------------------------------------------------------------------------------------------

/** What still runs in a lost sandbox, or is just being started there, ends before the sandbox goes. */
function prepare(plan: Plan): void {
  const { state } = plan;
  const current = readySandbox(state);
  const stray = state.containers.filter((run) => run.state === 'running' && run.sandboxId !== current?.id);
  for (const run of stray) killContainer(plan, run, `Stopping container ${run.name}: its sandbox is gone`, 0);
  if (state.volumes !== 'ready') return plan.want({ type: 'prepareVolumes', key: 'volumes' });
  const isStarting = state.inFlight.some((key) => key.startsWith('start:'));
  if (current === undefined && stray.length === 0 && !isStarting) makeSandbox(plan);
}

function makeSandbox(plan: Plan): void {
  const { state } = plan;
  const lost = state.sandboxes.filter((sandbox) => sandbox.state === 'lost');
  for (const { id } of lost) plan.want({ type: 'removeSandbox', key: `unsandbox:${id}`, id });
  if (lost.length === 0) plan.want({ type: 'createSandbox', key: 'sandbox', attempt: state.sandboxAttempt + 1 });
}

/** Sidecars go last: the others may still need them. */
function terminate(plan: Plan): void {
  const running = plan.state.containers.filter((run) => run.state === 'running');
  const isLast = (run: ContainerState): boolean => {
    const container = definitionOf(plan.state.pod, run.name);
    return run.kind === 'init' && container !== undefined && isSidecar(container);
  };
  const isBeingMade = plan.state.inFlight.some((key) => key.startsWith('start:'));
  const others = running.filter((run) => !isLast(run));
  const ending = others.length > 0 || isBeingMade ? others : running;
  for (const run of ending) killContainer(plan, run, `Stopping container ${run.name}`, graceSecondsOf(plan.state));
  for (const run of running) {
    const container = definitionOf(plan.state.pod, run.name);
    if (container !== undefined) probeContainer(plan, container, run, ['readiness']);
  }
}

function graceSecondsOf(state: PodState): number {
  const { metadata, spec } = state.pod;
  const seconds = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
  // Forced deletion leaves the program a second, as upstream does.
  return Math.max(seconds, 1);
}

function clean(plan: Plan): void {
  const { state } = plan;
  for (const { id } of state.sandboxes) plan.want({ type: 'removeSandbox', key: `unsandbox:${id}`, id });
  if (state.sandboxes.length === 0 && state.volumes !== 'none') plan.want({ type: 'unmountVolumes', key: 'unmount' });
}

function release(plan: Plan): void {
  const { state } = plan;
  if (state.presence === 'known') {
    if (isDeleting(state)) plan.want({ type: 'deletePod', key: 'delete' });
    return;
  }
  for (const run of state.containers)
    plan.want({ type: 'removeContainer', key: `remove:${run.id}`, id: run.id, name: run.name });
  if (state.containers.length === 0 && state.hasFiles) plan.want({ type: 'removeFiles', key: 'files' });
}

// ---- while it runs --------------------------------------------------------------------------------------------------

function removeOldRuns(plan: Plan): void {
  for (const run of plan.state.containers) {
    const newest = latestRun(plan.state, run.name)?.attempt ?? 0;
    if (run.state === 'exited' && run.attempt <= newest - KEPT_RUNS)
      plan.want({ type: 'removeContainer', key: `remove:${run.id}`, id: run.id, name: run.name });
  }
}

function refreshVolumes(plan: Plan): void {
  const follows = (plan.state.pod.spec.volumes ?? []).some(
    (volume) =>
      volume.configMap !== undefined ||
      volume.secret !== undefined ||
      volume.projected !== undefined ||
      volume.downwardAPI !== undefined,
  );
  if (!follows) return;
  const dueInMs = plan.state.volumesAtMs + REFRESH_VOLUMES_MS - plan.now;
  if (dueInMs > 0) plan.lookAgainIn(dueInMs);
  else plan.want({ type: 'prepareVolumes', key: 'volumes' });
}

function deadlineAtMs(state: PodState): number | undefined {
  const seconds = state.pod.spec.activeDeadlineSeconds;
  if (seconds === undefined) return undefined;
  const startedAtMs = Date.parse(state.pod.status?.startTime ?? '');
  return (Number.isNaN(startedAtMs) ? state.seenAtMs : startedAtMs) + seconds * 1000;
}

const OVERDUE: Verdict = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

function applyDeadline(state: PodState, now: number): PodState {
  const deadlineMs = deadlineAtMs(state);
  if (deadlineMs === undefined || now < deadlineMs || state.verdict !== undefined || isFinished(state)) return state;
  return { ...state, verdict: OVERDUE };
}

function lookAtDeadline(plan: Plan): void {
  const deadlineMs = deadlineAtMs(plan.state);
  if (deadlineMs !== undefined) plan.lookAgainIn(Math.max(0, deadlineMs - plan.now));
}
