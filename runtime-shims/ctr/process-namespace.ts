// Does: finds the process namespace that a container shall live in: the host's, its pod's, its own, or that of a container
// which runs already and is to be looked at. Never makes one.
import { ShimError, type ContainerSpec } from '../contract.ts';
import type { CtrCommand } from './command.ts';
import { parseTasks } from './tables.ts';

export async function processNamespaceOf(
  ctr: CtrCommand,
  { processNamespaceOf: target }: ContainerSpec,
  { isHost, ofPod }: { isHost: boolean; ofPod: string | undefined },
): Promise<'host' | 'new' | { path: string }> {
  if (isHost) return 'host';
  if (ofPod !== undefined) return { path: ofPod };
  if (target === undefined) return 'new';
  const task = parseTasks(await ctr.run(['tasks', 'ls'], 'Unavailable')).get(target);
  if (task?.status !== 'RUNNING')
    throw new ShimError('CreateContainerError', `container ${target}, whose processes it shall see, does not run`);
  return { path: `/proc/${task.pid}/ns/pid` };
}
