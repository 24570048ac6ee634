// Does: runs the steps of a plan, side by side where a phase allows it, up or down; both may be repeated, and resumed
// after a crash at any point. Never decides a name or an address.
import { readdir, rmdir, writeFile } from 'node:fs/promises';
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import { FORWARDING, forwardsIpv4 } from './observe.ts';
import { nodeOf, type NetworkPlan } from './plan.ts';
import { downNodePhases, downPhases, forwardAccepts, upPhases, type Command, type Phase, type Step } from './steps.ts';

const NAMESPACES = '/run/netns';
const IPTABLES = '/usr/sbin/iptables';
/** Each step is one or two short processes: more at once only queue for the kernel's network lock. */
const STEPS_AT_ONCE = 4;

export interface BroughtUp {
  /** The machine did not forward IPv4 before: keep this, for `tearDown`. */
  turnedForwardingOn: boolean;
}

/** Throws with the step, the command and its last words; what is there by then stays, and a second call goes on. */
export async function bringUp(plan: NetworkPlan, exec: Exec): Promise<BroughtUp> {
  const turnedForwardingOn = !(await forwardsIpv4());
  for (const phase of upPhases(plan)) await runPhase(phase, (step) => doStep(plan, exec, step));
  await acceptForwarding(plan, exec);
  return { turnedForwardingOn };
}

/**
 * Removes whatever of the plan is there; throws when something could not be removed. Forwarding goes back off if
 * `stopForwarding` says that a bring-up turned it on, and no other cluster of the machine needs it.
 */
export async function tearDown(
  plan: NetworkPlan,
  exec: Exec,
  options: { stopForwarding?: boolean } = {},
): Promise<void> {
  await dropForwarding(plan, exec);
  for (const phase of downPhases(plan)) await runPhase(phase, (step) => undoStep(exec, step));
  await releaseNamespaceDirectory(exec);
  const left = await leftovers(plan, exec);
  if (options.stopForwarding === true) await stopForwarding(exec);
  if (left.length > 0) throw new Error(`the network of cluster ${plan.cluster} is not gone: ${left.join(', ')}`);
}

/** Takes one node out; the others keep their addresses. */
export async function tearDownNode(plan: NetworkPlan, name: string, exec: Exec): Promise<void> {
  for (const phase of downNodePhases(plan, nodeOf(plan, name))) await runPhase(phase, (step) => undoStep(exec, step));
}

/** Which namespaces and devices of the plan exist now. */
export async function leftovers(plan: NetworkPlan, exec: Exec): Promise<string[]> {
  const names = (await exec.run(['/usr/sbin/ip', 'netns', 'list'])).stdout
    .split('\n')
    .map((line) => line.split(' ')[0]);
  const ours = [plan.host.netns, plan.fabric.netns, ...plan.nodes.map((node) => node.netns)].filter((netns) =>
    names.includes(netns),
  );
  const device = await exec.run(['/usr/sbin/ip', 'link', 'show', plan.host.device]);
  return [...ours.map((netns) => `namespace ${netns}`), ...(device.exitCode === 0 ? [plan.host.device] : [])];
}

/** The first `ip netns add` mounts this directory over itself. With nothing in it any more it goes; the next one is no worse off. */
async function releaseNamespaceDirectory(exec: Exec): Promise<void> {
  const names = await readdir(NAMESPACES).catch(() => ['no directory']);
  if (names.length > 0) return;
  await exec.run(['/usr/bin/umount', NAMESPACES]);
  await rmdir(NAMESPACES).catch(() => {});
}

/** A cluster that comes up at this moment makes its device, then turns forwarding on: whoever is seen too late gets it back. */
async function stopForwarding(exec: Exec): Promise<void> {
  if (await hasOtherCluster(exec)) return;
  await writeFile(FORWARDING, '0');
  if (await hasOtherCluster(exec)) await writeFile(FORWARDING, '1');
}

async function hasOtherCluster(exec: Exec): Promise<boolean> {
  return / fl-[^ ]+@/.test((await exec.run(['/usr/sbin/ip', 'link'])).stdout);
}

async function runPhase(phase: Phase, run: (step: Step) => Promise<void>): Promise<void> {
  const waiting = [...phase.steps];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await run(step);
  };
  await Promise.all(Array.from({ length: STEPS_AT_ONCE }, worker));
}

async function doStep(plan: NetworkPlan, exec: Exec, step: Step): Promise<void> {
  if (step.doneIf !== undefined && (await allSucceed(exec, step.doneIf))) return;
  for (const command of step.clear ?? []) await run(exec, command);
  for (const command of step.run) {
    const result = await run(exec, command);
    if (result.exitCode !== 0)
      throw new Error(`cannot set up the network of cluster ${plan.cluster}: ${step.what}: ${describeFailure(result)}`);
  }
}

async function undoStep(exec: Exec, step: Step): Promise<void> {
  for (const command of step.run) await run(exec, command);
}

async function allSucceed(exec: Exec, commands: readonly Command[]): Promise<boolean> {
  for (const command of commands) if ((await run(exec, command)).exitCode !== 0) return false;
  return true;
}

function run(exec: Exec, command: Command) {
  return exec.run(command.argv, command.stdin === undefined ? {} : { stdin: command.stdin });
}

async function acceptForwarding(plan: NetworkPlan, exec: Exec): Promise<void> {
  const policy = await exec.run([IPTABLES, '-w', '-S', 'FORWARD']);
  if (policy.exitCode !== 0 || !policy.stdout.includes('-P FORWARD DROP')) return;
  for (const rule of forwardAccepts(plan)) {
    const there = await exec.run([IPTABLES, '-w', '-C', ...rule]);
    if (there.exitCode === 0) continue;
    const added = await exec.run([IPTABLES, '-w', '-I', ...rule]);
    if (added.exitCode !== 0) throw new Error(`cannot let cluster ${plan.cluster} through: ${describeFailure(added)}`);
  }
}

async function dropForwarding(plan: NetworkPlan, exec: Exec): Promise<void> {
  for (const rule of forwardAccepts(plan)) while ((await exec.run([IPTABLES, '-w', '-D', ...rule])).exitCode === 0);
}
