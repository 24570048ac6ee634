// Decides what a pod worker remembers, and how each thing that happens changes it. Never decides what to do about it.
import { ownValue } from '../../../lib/base/records.ts';
import { equalObjects } from '../../../lib/api/equality.ts';
import type { Container, Pod } from '../../../lib/api/generated/types.ts';
import type { ContainerState, SandboxState } from '../../../runtime-shims/contract.ts';
import { afterFailure, afterRestart, type Failure, type RestartBackoff } from './backoff.ts';
import type { Lifecycle } from './pod-machine.ts';
import {
  countAnswer,
  probeOf,
  UNPROBED,
  type ContainerProbes,
  type ProbeKind,
  type ProbeOutcome,
} from './probe-machine.ts';

/** One container being ended: before TERM its preStop hook runs; after the deadline comes KILL. */
export interface Kill {
  why: string;
  stage: 'preStop' | 'term' | 'kill';
  deadlineMs: number;
}

export interface Verdict {
  reason: string;
  message: string;
}

/** Plain data: the whole memory of one pod's worker. */
export interface PodState {
  pod: Pod;
  /** gone: the API no longer has it. */
  presence: 'known' | 'gone';
  lifecycle: Lifecycle | undefined;
  /** When this kubelet first saw it. */
  seenAtMs: number;
  sandboxes: SandboxState[];
  containers: ContainerState[];
  /** The runtime has been looked at since the worker began: before that, nothing may be started. */
  isObserved: boolean;
  /** unknown: an earlier kubelet may have made them. */
  volumes: 'unknown' | 'ready' | 'none';
  volumesAtMs: number;
  /** Files of the pod on this node may be there. */
  hasFiles: boolean;
  /** Keys of effects that are under way. */
  inFlight: string[];
  /** By effect key. */
  failures: Record<string, Failure>;
  /** By container name. */
  backoffs: Record<string, RestartBackoff>;
  /** By container id. */
  probes: Record<string, ContainerProbes>;
  kills: Record<string, Kill>;
  /** Last attempt of each container name that was ever seen here. */
  attempts: Record<string, number>;
  /** By container name, the attempt that the image has been made ready for. */
  images: Record<string, number>;
  sandboxAttempt: number;
  /** What has been said in Events and need not be said again. */
  told: Record<string, true>;
  /** The kubelet itself has ended the pod: rejected, over its deadline. */
  verdict: Verdict | undefined;
}

export type PodInput =
  | { type: 'podChanged'; pod: Pod }
  | { type: 'podGone' }
  | { type: 'observed'; sandboxes: SandboxState[]; containers: ContainerState[] }
  | { type: 'began'; key: string }
  | { type: 'done'; key: string }
  | { type: 'failed'; key: string; reason: string; message: string }
  | { type: 'imageReady'; name: string; attempt: number }
  | { type: 'restarting'; name: string; finishedAtMs: number }
  | { type: 'probed'; containerId: string; kind: ProbeKind; outcome: ProbeOutcome }
  | { type: 'rejected'; verdict: Verdict };

export function newPodState(pod: Pod, now: number): PodState {
  return {
    pod,
    presence: 'known',
    lifecycle: undefined,
    seenAtMs: now,
    sandboxes: [],
    containers: [],
    isObserved: false,
    volumes: 'unknown',
    volumesAtMs: 0,
    hasFiles: true,
    inFlight: [],
    failures: {},
    backoffs: {},
    probes: {},
    kills: {},
    attempts: attemptsInStatus(pod),
    images: {},
    sandboxAttempt: -1,
    told: {},
    verdict: verdictInStatus(pod),
  };
}

/** A kubelet that has lost its records still counts on. */
function attemptsInStatus(pod: Pod): Record<string, number> {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return Object.fromEntries(
    statuses
      .filter((status) => status.containerID !== undefined && status.containerID !== '')
      .map((status) => [status.name, status.restartCount]),
  );
}

function verdictInStatus(pod: Pod): Verdict | undefined {
  const { phase, reason, message } = pod.status ?? {};
  return phase === 'Failed' && reason !== undefined && reason !== '' ? { reason, message: message ?? '' } : undefined;
}

export function stepPod(state: PodState, input: PodInput, now: number): PodState {
  switch (input.type) {
    case 'podChanged': {
      // A status that was written just before the kubelet died may come only now.
      const told = { ...state, pod: input.pod, volumesAtMs: shownAlike(state.pod, input.pod) ? state.volumesAtMs : 0 };
      return { ...told, probes: withAdopted(told, told.containers, told.probes) };
    }
    case 'podGone':
      return { ...state, presence: 'gone' };
    case 'observed':
      return observe(state, input.sandboxes, input.containers);
    case 'began':
      return { ...state, inFlight: [...state.inFlight, input.key] };
    case 'done':
      return finish(state, input.key, now);
    case 'failed': {
      const failure = afterFailure(ownValue(state.failures, input.key), input.reason, input.message, now);
      return { ...land(state, input.key), failures: { ...state.failures, [input.key]: failure } };
    }
    case 'imageReady':
      return { ...state, images: { ...state.images, [input.name]: input.attempt } };
    case 'restarting': {
      const backoff = afterRestart(ownValue(state.backoffs, input.name), input.finishedAtMs, now);
      return { ...state, backoffs: { ...state.backoffs, [input.name]: backoff } };
    }
    case 'probed':
      return countProbe(state, input.containerId, input.kind, input.outcome, now);
    case 'rejected':
      return { ...state, verdict: input.verdict };
  }
}

/** Files may show a pod's labels and annotations: who changes them looks for that at once. */
function shownAlike({ metadata: a }: Pod, { metadata: b }: Pod): boolean {
  return equalObjects(a.labels, b.labels) && equalObjects(a.annotations, b.annotations);
}

function land(state: PodState, key: string): PodState {
  return { ...state, inFlight: state.inFlight.filter((other) => other !== key) };
}

function finish(state: PodState, key: string, now: number): PodState {
  const { [key]: _, ...failures } = state.failures;
  const landed = { ...land(state, key), failures };
  if (key === 'volumes') return { ...landed, volumes: 'ready', volumesAtMs: now, hasFiles: true };
  if (key === 'unmount') return { ...landed, volumes: 'none' };
  if (key === 'files') return { ...landed, hasFiles: false };
  if (key === 'delete') return { ...landed, presence: 'gone' };
  return landed;
}

function observe(state: PodState, sandboxes: SandboxState[], containers: ContainerState[]): PodState {
  const attempts = { ...state.attempts };
  for (const { name, attempt } of containers) attempts[name] = Math.max(ownValue(attempts, name) ?? -1, attempt);
  const ids = new Set(containers.map(({ id }) => id));
  const kept = <T>(entries: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(entries).filter(([id]) => ids.has(id)));
  return {
    ...state,
    sandboxes,
    containers,
    isObserved: true,
    attempts,
    sandboxAttempt: Math.max(state.sandboxAttempt, ...sandboxes.map(({ attempt }) => attempt)),
    kills: kept(state.kills),
    probes: withAdopted(state, containers, kept(state.probes)),
  };
}

/** What this kubelet has asked itself counts for more than what an earlier one told. */
function withAdopted(
  state: PodState,
  containers: readonly ContainerState[],
  own: Record<string, ContainerProbes>,
): Record<string, ContainerProbes> {
  const adopted = Object.entries(adoptedProbes(state, containers));
  return { ...own, ...Object.fromEntries(adopted.map(([id, probes]) => [id, { ...probes, ...own[id] }])) };
}

/** A container that an earlier kubelet probed keeps its answers: a new kubelet must not make a ready pod unready. */
function adoptedProbes(state: PodState, containers: readonly ContainerState[]): Record<string, ContainerProbes> {
  const statuses = [...(state.pod.status?.initContainerStatuses ?? []), ...(state.pod.status?.containerStatuses ?? [])];
  const adopted: Record<string, ContainerProbes> = {};
  for (const { id, state: run } of containers) {
    const status = statuses.find((one) => one.containerID?.endsWith(`//${id}`) === true);
    if (run !== 'running' || status === undefined) continue;
    adopted[id] = {
      ...(status.started === true ? { startup: { result: 'success', streak: 0 } } : {}),
      ...(status.ready ? { readiness: { result: 'success', streak: 0 } } : {}),
    };
  }
  return adopted;
}

function countProbe(state: PodState, id: string, kind: ProbeKind, outcome: ProbeOutcome, now: number): PodState {
  const container = state.containers.find((one) => one.id === id);
  const definition = container === undefined ? undefined : definitionOf(state.pod, container.name);
  const probe = definition === undefined ? undefined : probeOf(definition, kind);
  if (probe === undefined) return state;
  const before = state.probes[id] ?? {};
  const counted = countAnswer(before[kind] ?? UNPROBED, probe, outcome, now);
  return { ...state, probes: { ...state.probes, [id]: { ...before, [kind]: counted } } };
}

// ---- looking at it --------------------------------------------------------------------------------------------------

export function definitionOf(pod: Pod, name: string): Container | undefined {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [...initContainers, ...containers, ...ephemeralContainers].find((container) => container.name === name);
}

/** The run of this container that counts: the latest. */
export function latestRun(state: PodState, name: string): ContainerState | undefined {
  return state.containers
    .filter((container) => container.name === name)
    .reduce<ContainerState | undefined>(
      (best, one) => (best === undefined || one.attempt > best.attempt ? one : best),
      undefined,
    );
}

export function runBefore(state: PodState, run: ContainerState): ContainerState | undefined {
  return latestRun({ ...state, containers: state.containers.filter(({ attempt }) => attempt < run.attempt) }, run.name);
}

export function readySandbox(state: PodState): SandboxState | undefined {
  return state.sandboxes.find((sandbox) => sandbox.state === 'ready');
}

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function isDeleting(state: PodState): boolean {
  return state.presence === 'gone' || state.pod.metadata.deletionTimestamp !== undefined;
}

export function isUnderWay(state: PodState, key: string): boolean {
  return state.inFlight.includes(key);
}

/** 0: may be tried now. */
export function retryInMs(state: PodState, key: string, now: number): number {
  return Math.max(0, (ownValue(state.failures, key)?.retryAtMs ?? 0) - now);
}
