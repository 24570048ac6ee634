// Decides how one container is ended: preStop hook, stop signal, grace, KILL. Never decides which one must end.
import type { ContainerState } from '../../../runtime-shims/contract.ts';
import type { Plan } from './plan.ts';
import { definitionOf, isUnderWay } from './pod-state.ts';

/** After a preStop hook that used up the grace, the program still gets this long. */
const LEAST_AFTER_HOOK_MS = 2_000;
/** A KILL that seems to have been lost is said again. */
const REPEAT_KILL_MS = 5_000;

export function killContainer(plan: Plan, run: ContainerState, why: string, graceSeconds: number): void {
  const kill = plan.state.kills[run.id];
  const deadlineMs = Math.min(kill?.deadlineMs ?? Number.POSITIVE_INFINITY, plan.now + graceSeconds * 1000);
  if (kill === undefined) return begin(plan, run, why, deadlineMs, graceSeconds);
  const isHookDone = kill.stage === 'preStop' && !isUnderWay(plan.state, hookKey(run));
  if (kill.stage !== 'kill' && plan.now >= deadlineMs && !isHookDone) return forceEnd(plan, run, why);
  if (kill.stage === 'kill') return again(plan, run, kill.deadlineMs);
  if (isHookDone) {
    const untilMs = Math.max(deadlineMs, plan.now + LEAST_AFTER_HOOK_MS);
    plan.setKill(run.id, { why, stage: 'term', deadlineMs: untilMs });
    sendStop(plan, run);
    return plan.lookAgainIn(untilMs - plan.now);
  }
  plan.setKill(run.id, { ...kill, deadlineMs });
  plan.lookAgainIn(deadlineMs - plan.now);
  if (kill.stage === 'term' && plan.state.failures[signalKey(run)] !== undefined) sendStop(plan, run);
}

function begin(plan: Plan, run: ContainerState, why: string, deadlineMs: number, graceSeconds: number): void {
  plan.say({ eventType: 'Normal', reason: 'Killing', message: why, container: run.name });
  const container = definitionOf(plan.state.pod, run.name);
  const handler = container?.lifecycle?.preStop;
  plan.lookAgainIn(deadlineMs - plan.now);
  if (container !== undefined && handler !== undefined && graceSeconds > 0) {
    plan.setKill(run.id, { why, stage: 'preStop', deadlineMs });
    plan.want({ type: 'preStop', key: hookKey(run), id: run.id, container, handler, graceSeconds });
    return;
  }
  plan.setKill(run.id, { why, stage: 'term', deadlineMs });
  sendStop(plan, run);
}

function forceEnd(plan: Plan, run: ContainerState, why: string): void {
  plan.setKill(run.id, { why, stage: 'kill', deadlineMs: plan.now });
  again(plan, run, plan.now);
}

function again(plan: Plan, run: ContainerState, saidAtMs: number): void {
  const hasFailed = plan.state.failures[killKey(run)] !== undefined;
  if (plan.now > saidAtMs && plan.now - saidAtMs < REPEAT_KILL_MS && !hasFailed)
    return plan.lookAgainIn(REPEAT_KILL_MS - (plan.now - saidAtMs));
  plan.setKill(run.id, { why: plan.state.kills[run.id]?.why ?? '', stage: 'kill', deadlineMs: plan.now });
  plan.want({ type: 'signal', key: killKey(run), id: run.id, name: run.name, signal: 'SIGKILL' });
  plan.lookAgainIn(REPEAT_KILL_MS);
}

function sendStop(plan: Plan, run: ContainerState): void {
  plan.want({ type: 'signal', key: signalKey(run), id: run.id, name: run.name, signal: 'stop' });
}

function hookKey(run: ContainerState): string {
  return `preStop:${run.id}`;
}

function signalKey(run: ContainerState): string {
  return `stop:${run.id}`;
}

function killKey(run: ContainerState): string {
  return `kill:${run.id}`;
}
