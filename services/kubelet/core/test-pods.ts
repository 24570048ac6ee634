// Decides, for tests, a pod, its images and its runs in few words. Never used outside tests.
import type { Container, Pod, PodSpec } from '../../../lib/api/generated/types.ts';
import type { ContainerState, ImageState, SandboxState } from '../../../runtime-shims/contract.ts';
import { newPodState, stepPod, type PodState } from './pod-state.ts';

export const NOW = Date.parse('2026-01-01T00:00:00Z');
export const identity = { uid: 'u1', namespace: 'default', name: 'web' };

export function containerNamed(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'web:1', ...more };
}

export function podWith(spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { ...identity, resourceVersion: '1', generation: 1, ...metadata },
    spec: {
      containers: [containerNamed('main')],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      nodeName: 'n1',
      ...spec,
    },
  };
}

export const image: ImageState = {
  ref: 'docker.io/library/web:1',
  id: 'sha256:1',
  sizeBytes: 1,
  config: { entrypoint: ['/entry'], command: ['arg'], env: ['PATH=/bin', 'FROM=image'], user: '', workingDir: '/srv' },
};

export function sandboxOf(attempt = 0, state: SandboxState['state'] = 'ready'): SandboxState {
  return { id: `s${attempt}`, pod: identity, attempt, state, ip: `10.0.0.${attempt + 2}`, createdAtMs: NOW };
}

export function runOf(name: string, more: Partial<ContainerState> = {}): ContainerState {
  const attempt = more.attempt ?? 0;
  const id = `${name}-${attempt}`;
  return {
    id,
    pod: identity,
    sandboxId: 's0',
    name,
    attempt,
    kind: 'main',
    imageRef: image.ref,
    imageId: image.id,
    logPath: `/logs/${id}`,
    state: 'running',
    startedAtMs: NOW,
    ...more,
  };
}

export function exited(name: string, exitCode: number, more: Partial<ContainerState> = {}): ContainerState {
  return runOf(name, { state: 'exited', exitCode, finishedAtMs: NOW, ...more });
}

/** A worker's memory in the middle of its pod's life: volumes made, the runtime as given. */
export function stateOf(
  pod: Pod,
  containers: ContainerState[] = [],
  sandboxes: SandboxState[] = [sandboxOf()],
): PodState {
  const fresh = stepPod(newPodState(pod, NOW), { type: 'done', key: 'volumes' }, NOW);
  return stepPod(fresh, { type: 'observed', sandboxes, containers }, NOW);
}
