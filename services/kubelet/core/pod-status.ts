// Decides a pod's whole status from what its worker remembers: phase, conditions, containers. Never writes it.
import type { Container, ContainerStatus, PodCondition, PodStatus } from '../../../lib/api/generated/types.ts';
import { qosClassOf } from '../../../lib/api/pod/qos.ts';
import { toTime } from '../../../lib/base/clock.ts';
import { containerStatusOf, type StatusSurroundings } from './container-status.ts';
import { isSidecar, latestRun, readySandbox, type PodState } from './pod-state.ts';

const OWN_CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

export function podStatusOf(state: PodState, around: StatusSurroundings): PodStatus {
  const { spec } = state.pod;
  const before = state.pod.status ?? {};
  const init = (spec.initContainers ?? []).map((container) => containerStatusOf(state, container, 'init', around));
  const main = spec.containers.map((container) => containerStatusOf(state, container, 'main', around));
  const ephemeral = (spec.ephemeralContainers ?? []).map((container) => ephemeralStatusOf(state, container, around));
  const ip = readySandbox(state)?.ip ?? before.podIP;
  const phase = phaseOf(state, init, main);
  return {
    observedGeneration: state.pod.metadata.generation,
    phase,
    ...(state.verdict === undefined ? {} : { reason: state.verdict.reason, message: state.verdict.message }),
    conditions: conditionsOf(state, phase, init, main, around),
    hostIP: around.hostIp,
    hostIPs: [{ ip: around.hostIp }],
    ...(ip === undefined || ip === '' ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: before.startTime ?? toTime(state.seenAtMs),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: before.qosClass ?? qosClassOf(spec),
  };
}

/** Never ready, and what has been told of its end stays, also when its records are gone. */
function ephemeralStatusOf(state: PodState, container: Container, around: StatusSurroundings): ContainerStatus {
  const told = state.pod.status?.ephemeralContainerStatuses?.find(({ name }) => name === container.name);
  if (told?.state?.terminated !== undefined && latestRun(state, container.name) === undefined) return told;
  const { started: _, ...status } = containerStatusOf(state, container, 'ephemeral', around);
  return { ...status, ready: false };
}

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

function phaseOf(state: PodState, init: ContainerStatus[], main: ContainerStatus[]): Phase {
  const before = state.pod.status?.phase;
  // A pod that has come to its end never comes back.
  if (before === 'Succeeded' || before === 'Failed') return before;
  if (state.verdict !== undefined) return 'Failed';
  const policy = state.pod.spec.restartPolicy ?? 'Always';
  const sidecars = new Set((state.pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const plain = init.filter(({ name }) => !sidecars.has(name));
  if (policy === 'Never' && plain.some(({ state: shown }) => (shown?.terminated?.exitCode ?? 0) !== 0)) return 'Failed';
  const hasRun = (status: ContainerStatus): boolean =>
    status.state?.running !== undefined ||
    status.state?.terminated !== undefined ||
    status.lastState?.terminated !== undefined;
  if (!main.every(hasRun))
    return main.some((status) => status.state?.running !== undefined) ? 'Pending' : pendingOrEnded(state, main);
  if (main.some((status) => status.state?.running !== undefined || status.state?.waiting !== undefined))
    return 'Running';
  const hasFailed = main.some((status) => status.state!.terminated!.exitCode !== 0);
  if (state.lifecycle === 'ended' || state.lifecycle === 'cleaning') return hasFailed ? 'Failed' : 'Succeeded';
  if (policy === 'Always' || (policy === 'OnFailure' && hasFailed)) return 'Running';
  return hasFailed ? 'Failed' : 'Succeeded';
}

/** A pod that came down before all its containers had run has failed. */
function pendingOrEnded(state: PodState, main: ContainerStatus[]): Phase {
  const hasEnded = state.lifecycle === 'ended' && main.some((status) => status.state?.terminated !== undefined);
  return hasEnded ? 'Failed' : 'Pending';
}

interface Truth {
  isTrue: boolean;
  reason?: string;
  message?: string;
}

function conditionsOf(
  state: PodState,
  phase: Phase,
  init: ContainerStatus[],
  main: ContainerStatus[],
  around: StatusSurroundings,
): PodCondition[] {
  const foreign = (state.pod.status?.conditions ?? []).filter(({ type }) => !OWN_CONDITIONS.includes(type));
  const containersReady = readinessOf(state, phase, init, main);
  const gates = (state.pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      !foreign.some((condition) => condition.type === conditionType && condition.status === 'True'),
  );
  const ready: Truth =
    containersReady.isTrue && gates.length > 0
      ? {
          isTrue: false,
          reason: 'ReadinessGatesNotReady',
          message: `the status of pod readiness gate ${gates.map(({ conditionType }) => `"${conditionType}"`).join(', ')} is not "True"`,
        }
      : containersReady;
  const truths: Array<[string, Truth]> = [
    ['PodReadyToStartContainers', { isTrue: readySandbox(state) !== undefined }],
    ['Initialized', initializedOf(state, phase, init)],
    ['Ready', ready],
    ['ContainersReady', containersReady],
    ['PodScheduled', { isTrue: true }],
  ];
  return [...truths.map(([type, truth]) => conditionOf(state, type, truth, around)), ...foreign];
}

function conditionOf(state: PodState, type: string, truth: Truth, around: StatusSurroundings): PodCondition {
  const status = truth.isTrue ? 'True' : 'False';
  const before = (state.pod.status?.conditions ?? []).find((condition) => condition.type === type);
  const isSame = before?.status === status && before.lastTransitionTime !== undefined;
  return {
    type,
    status,
    lastTransitionTime: isSame ? before.lastTransitionTime : toTime(around.now),
    ...(truth.isTrue || truth.reason === undefined ? {} : { reason: truth.reason }),
    ...(truth.isTrue || truth.message === undefined ? {} : { message: truth.message }),
  };
}

function readinessOf(state: PodState, phase: Phase, init: ContainerStatus[], main: ContainerStatus[]): Truth {
  if (phase === 'Succeeded') return { isTrue: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { isTrue: false, reason: 'PodFailed' };
  const sidecars = (state.pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const counted = [...init.filter(({ name }) => sidecars.includes(name)), ...main];
  const unready = counted.filter((status) => !status.ready).map(({ name }) => name);
  if (unready.length === 0) return { isTrue: true };
  return {
    isTrue: false,
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function initializedOf(state: PodState, phase: Phase, init: ContainerStatus[]): Truth {
  const sidecars = new Set((state.pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const undone = init
    .filter((status) => (sidecars.has(status.name) ? status.started !== true : !status.ready))
    .map(({ name }) => name);
  // Once the main containers have begun, records of init containers may be gone.
  const hasBegun = state.containers.some((run) => run.kind === 'main');
  if (undone.length === 0 || hasBegun)
    return phase === 'Succeeded' ? { isTrue: true, reason: 'PodCompleted' } : { isTrue: true };
  return {
    isTrue: false,
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${undone.join(' ')}]`,
  };
}
