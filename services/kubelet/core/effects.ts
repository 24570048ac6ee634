// Decides nothing: what a pod worker may ask of the world, as plain data so exact that doing it leaves nothing to
// choose. Each has a key: while one is under way, no other with the same key is asked for.
import type { Container, LifecycleHandler, Probe } from '../../../lib/api/generated/types.ts';
import type { ContainerKind } from '../../../runtime-shims/contract.ts';
import type { ProbeKind } from './probe-machine.ts';

export type PodEffect =
  | { type: 'prepareVolumes'; key: 'volumes' }
  | { type: 'createSandbox'; key: 'sandbox'; attempt: number }
  | { type: 'removeSandbox'; key: string; id: string }
  | { type: 'ensureImage'; key: string; container: Container; attempt: number }
  | {
      type: 'startContainer';
      key: string;
      container: Container;
      kind: ContainerKind;
      attempt: number;
      sandboxId: string;
    }
  | { type: 'preStop'; key: string; id: string; container: Container; handler: LifecycleHandler; graceSeconds: number }
  | { type: 'signal'; key: string; id: string; name: string; signal: 'stop' | 'SIGKILL' }
  | { type: 'probe'; key: string; id: string; container: Container; kind: ProbeKind; probe: Probe }
  | { type: 'removeContainer'; key: string; id: string; name: string }
  | { type: 'unmountVolumes'; key: 'unmount' }
  | { type: 'removeFiles'; key: 'files' }
  | { type: 'deletePod'; key: 'delete' };

/** Said at once, without a key. */
export interface PodEvent {
  eventType: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** Name of the container that it is about. */
  container?: string;
}

export function pullKey(name: string): string {
  return `pull:${name}`;
}

export function startKey(name: string): string {
  return `start:${name}`;
}
