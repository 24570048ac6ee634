// Decides what a pod's STATUS, READY and RESTARTS read in a table: the words of kubectl. Never changes a status.
import { ageOf } from '../age.ts';
import type { Container, ContainerStatus, Pod, PodCondition } from '../generated/types.ts';

export interface PodSummary {
  ready: string;
  status: string;
  restarts: string;
}

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

export function summarizePod(pod: Pod, now: number): PodSummary {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map((container) => container.name));
  const count = new Counter();
  const initReason = initStatus(pod, sidecars, count);
  let status = initReason === undefined || isInitialized(pod) ? mainStatus(pod, count, initReason) : initReason;
  if (pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionTimestamp !== null)
    status = pod.status?.reason === 'NodeLost' ? 'Unknown' : isTerminal(pod) ? status : 'Terminating';
  const total = (pod.spec.containers ?? []).length + sidecars.size;
  return { ready: `${count.ready}/${total}`, status, restarts: count.restartsText(now) };
}

const isTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

const isReady = (pod: Pod): boolean =>
  (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');

const isInitialized = (pod: Pod): boolean =>
  (pod.status?.conditions ?? []).find(({ type }) => type === 'Initialized')?.status === 'True';

/** Counts over the containers that were looked at; kubectl forgets init containers' counts once main ones run. */
class Counter {
  ready = 0;
  #restarts = 0;
  #sidecarRestarts = 0;
  #last: string | undefined;
  #lastSidecar: string | undefined;

  add(status: ContainerStatus, sidecar = false): void {
    this.#restarts += status.restartCount ?? 0;
    this.#last = later(this.#last, status.lastState?.terminated?.finishedAt);
    if (!sidecar) return;
    this.#sidecarRestarts += status.restartCount ?? 0;
    this.#lastSidecar = later(this.#lastSidecar, status.lastState?.terminated?.finishedAt);
  }

  keepSidecarsOnly(): void {
    this.#restarts = this.#sidecarRestarts;
    this.#last = this.#lastSidecar;
  }

  restartsText(now: number): string {
    return this.#restarts === 0 || this.#last === undefined
      ? String(this.#restarts)
      : `${this.#restarts} (${ageOf(this.#last, now)} ago)`;
  }
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(b) > Date.parse(a) ? b : a;
}

/** `Init:…` while init containers have work left; undefined when all have passed. */
function initStatus(pod: Pod, sidecars: Set<string>, count: Counter): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const total = (pod.spec.initContainers ?? []).length;
  let reason: string | undefined;
  for (const [i, status] of statuses.entries()) {
    const sidecar = sidecars.has(status.name);
    count.add(status, sidecar);
    const { terminated, waiting } = status.state ?? {};
    if (terminated !== undefined && terminated.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) count.ready += 1;
      continue;
    }
    if (terminated !== undefined) reason = `Init:${terminatedText(terminated)}`;
    else if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing')
      reason = `Init:${waiting.reason}`;
    else reason = `Init:${i}/${total}`;
    break;
  }
  return reason;
}

function terminatedText(state: { reason?: string | undefined; signal?: number | undefined; exitCode: number }): string {
  if (state.reason) return state.reason;
  return state.signal ? `Signal:${state.signal}` : `ExitCode:${state.exitCode}`;
}

function phaseOf({ status }: Pod): string {
  const isGated = ({ type, reason }: PodCondition): boolean => type === 'PodScheduled' && reason === 'SchedulingGated';
  if ((status?.conditions ?? []).some(isGated)) return 'SchedulingGated';
  return status?.reason || status?.phase || '';
}

/** Init containers of an initialized pod may run again: that is told while no main container has news. */
function mainStatus(pod: Pod, count: Counter, initReason: string | undefined): string {
  let reason = initReason ?? phaseOf(pod);
  count.keepSidecarsOnly();
  let hasRunning = false;
  // From the last to the first, so that the first container with news has the word.
  for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
    count.add(status);
    const { running, waiting, terminated } = status.state ?? {};
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated !== undefined) reason = terminatedText(terminated);
    else if (status.ready && running !== undefined) {
      hasRunning = true;
      count.ready += 1;
    }
  }
  if (reason === 'Completed' && hasRunning) return isReady(pod) ? 'Running' : 'NotReady';
  return reason;
}
