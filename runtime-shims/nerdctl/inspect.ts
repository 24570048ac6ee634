// Decides what nerdctl's JSON means: inspected containers and images, event lines. Never runs nerdctl.
import type { ContainerState, ImageState, PodIdentity } from '../contract.ts';
import { fromLabels, LABELS } from '../shared/identity.ts';
import { imageConfigOf } from '../shared/image-config.ts';

export interface Inspected {
  Id?: string;
  Name?: string;
  Image?: string;
  Created?: string;
  Config?: { Labels?: Record<string, string>; Image?: string };
  State?: {
    Status?: string;
    Running?: boolean;
    Pid?: number;
    ExitCode?: number;
    Error?: string;
    StartedAt?: string;
    FinishedAt?: string;
    OOMKilled?: boolean;
  };
}

export interface PauseContainer {
  id: string;
  pod: PodIdentity;
  attempt: number;
  isRunning: boolean;
  pid: number;
  createdAtMs: number;
}

/** undefined: not a sandbox of ours. */
export function pauseOf(inspected: Inspected): PauseContainer | undefined {
  const labels = inspected.Config?.Labels ?? {};
  if (labels[LABELS.kind] !== 'sandbox') return undefined;
  return {
    id: nameOf(inspected),
    pod: {
      uid: labels[LABELS.podUid] ?? '',
      namespace: labels[LABELS.podNamespace] ?? '',
      name: labels[LABELS.podName] ?? '',
    },
    attempt: Number(labels[LABELS.attempt] ?? 0),
    isRunning: isRunning(inspected),
    pid: inspected.State?.Pid ?? 0,
    createdAtMs: timeOf(inspected.Created) ?? 0,
  };
}

/** undefined: not a container of ours. */
export function containerOf(inspected: Inspected): ContainerState | undefined {
  const labels = inspected.Config?.Labels ?? {};
  const whose = fromLabels(labels);
  if (whose === undefined) return undefined;
  const startedAtMs = timeOf(inspected.State?.StartedAt) ?? timeOf(inspected.Created) ?? 0;
  const base = {
    id: nameOf(inspected),
    ...whose,
    imageRef: inspected.Config?.Image ?? inspected.Image ?? '',
    startedAtMs,
  };
  if (isRunning(inspected)) return { ...base, state: 'running' };
  const { ExitCode = 137, OOMKilled, Error: error = '', Status } = inspected.State ?? {};
  // docker says `created`; nerdctl has no word for it, only the error.
  const neverRan = Status === 'created' || (error !== '' && timeOf(inspected.State?.StartedAt) === undefined);
  return {
    ...base,
    state: 'exited',
    exitCode: neverRan ? 128 : ExitCode,
    finishedAtMs: timeOf(inspected.State?.FinishedAt) ?? startedAtMs,
    ...(OOMKilled === true ? { reason: 'OOMKilled' } : neverRan ? { reason: 'StartError', message: error } : {}),
  };
}

export function imageOf(ref: string, inspected: Record<string, unknown>): ImageState {
  return {
    ref,
    id: String(inspected['Id'] ?? ''),
    sizeBytes: Number(inspected['Size'] ?? 0),
    config: imageConfigOf((inspected['Config'] ?? {}) as Record<string, unknown>),
  };
}

/** The container that an event line is about, when it tells of an end; nerdctl and docker say it differently. */
export function endedInEvent(line: string): string | undefined {
  try {
    const event = JSON.parse(line) as {
      Topic?: string;
      Event?: unknown;
      ID?: string;
      id?: string;
      Action?: string;
      status?: string;
      Actor?: { ID?: string };
    };
    if (event.Topic === '/tasks/exit') {
      const detail = (typeof event.Event === 'string' ? JSON.parse(event.Event) : event.Event) as
        | { container_id?: string }
        | undefined;
      return detail?.container_id ?? event.ID;
    }
    const action = event.Action ?? event.status;
    return action === 'die' ? (event.Actor?.ID ?? event.id) : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(inspected: Inspected): boolean {
  return inspected.State?.Running === true || inspected.State?.Status === 'running';
}

function nameOf(inspected: Inspected): string {
  return (inspected.Name ?? '').replace(/^\//, '');
}

/** Go writes "never" as year 1. */
function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}
