// Decides when a probe is due and what a run of answers means: thresholds, delays, the startup probe's gate. Never asks
// a container anything.
import type { Container, Probe } from '../../../lib/api/generated/types.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';
export type ProbeOutcome = 'success' | 'failure';

/** `result` is what holds now; `streak` counts the latest answers that were alike. */
export interface ProbeState {
  result: ProbeOutcome | 'unknown';
  latest?: ProbeOutcome;
  streak: number;
  lastAtMs?: number;
}

export type ContainerProbes = Partial<Record<ProbeKind, ProbeState>>;

export const UNPROBED: ProbeState = { result: 'unknown', streak: 0 };
export const PROBE_KINDS: readonly ProbeKind[] = ['startup', 'liveness', 'readiness'];

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  return { startup: container.startupProbe, liveness: container.livenessProbe, readiness: container.readinessProbe }[
    kind
  ];
}

/** Counts one answer; the result turns only when as many alike came in a row as its threshold says. */
export function countAnswer(state: ProbeState, probe: Probe, outcome: ProbeOutcome, now: number): ProbeState {
  const streak = state.latest === outcome ? state.streak + 1 : 1;
  const threshold = outcome === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { result: streak >= threshold ? outcome : state.result, latest: outcome, streak, lastAtMs: now };
}

/** Milliseconds until the probe should run, 0 when it should now; undefined: it should not run. */
export function probeDueInMs(
  container: Container,
  kind: ProbeKind,
  probes: ContainerProbes,
  startedAtMs: number,
  now: number,
): number | undefined {
  const probe = probeOf(container, kind);
  if (probe === undefined) return undefined;
  const hasStarted = container.startupProbe === undefined || probes.startup?.result === 'success';
  if (kind === 'startup' ? hasStarted || probes.startup?.result === 'failure' : !hasStarted) return undefined;
  const state = probes[kind] ?? UNPROBED;
  const dueAtMs =
    state.lastAtMs === undefined
      ? startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000
      : state.lastAtMs + (probe.periodSeconds ?? 10) * 1000;
  return Math.max(0, dueAtMs - now);
}

/** A container without a startup probe has started when it runs; one with it, when the probe said so. */
export function hasStarted(container: Container, probes: ContainerProbes): boolean {
  return container.startupProbe === undefined || probes.startup?.result === 'success';
}

/** What the container's `ready` is, once it runs. */
export function isReady(container: Container, probes: ContainerProbes): boolean {
  if (!hasStarted(container, probes)) return false;
  return container.readinessProbe === undefined || probes.readiness?.result === 'success';
}

/** The probe whose failure means that the container must be started again. */
export function fatalProbe(container: Container, probes: ContainerProbes): 'startup' | 'liveness' | undefined {
  if (container.startupProbe !== undefined && probes.startup?.result === 'failure') return 'startup';
  if (container.livenessProbe !== undefined && probes.liveness?.result === 'failure') return 'liveness';
  return undefined;
}
