// Decides the words in which a worker tells of its pod: Events as upstream writes them, lines for the trace. Never says
// them.
import type { PodStatus } from '../../../lib/api/generated/types.ts';
import type { PodEffect, PodEvent } from '../core/effects.ts';
import type { PodState } from '../core/pod-state.ts';

const IMAGE_FAILURES = new Set(['ErrImagePull', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError']);

export function failureEvents(effect: PodEffect, reason: string, message: string): PodEvent[] {
  const warning = (why: string, text: string, container?: string): PodEvent => ({
    eventType: 'Warning',
    reason: why,
    message: text,
    ...(container === undefined ? {} : { container }),
  });
  switch (effect.type) {
    case 'prepareVolumes':
      return [warning('FailedMount', message)];
    case 'createSandbox':
      return [warning('FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`)];
    case 'ensureImage': {
      const { name, image = '' } = effect.container;
      if (reason === 'ErrImageNeverPull')
        return [warning('ErrImageNeverPull', message, name), warning('Failed', `Error: ${reason}`, name)];
      if (reason === 'InvalidImageName')
        return [
          warning('InspectFailed', `Failed to apply default image tag "${image}": ${message}`, name),
          warning('Failed', `Error: ${reason}`, name),
        ];
      return [
        warning('Failed', `Failed to pull image "${image}": ${message}`, name),
        ...(IMAGE_FAILURES.has(reason) ? [warning('Failed', `Error: ${reason}`, name)] : []),
      ];
    }
    case 'startContainer':
      return [warning('Failed', `Error: ${message}`, effect.container.name)];
    case 'signal':
      return [warning('FailedKillPod', `error killing container ${effect.name}: ${message}`, effect.name)];
    case 'removeSandbox':
      return [warning('FailedKillPod', `error killing pod: failed to remove its sandbox: ${message}`)];
    case 'unmountVolumes':
    case 'preStop':
    case 'probe':
    case 'removeContainer':
    case 'removeFiles':
    case 'deletePod':
      return [];
  }
}

export function describeStart(effect: PodEffect, message: string): string {
  return effect.type === 'startContainer' ? `could not start container ${effect.container.name}: ${message}` : message;
}

/** `running, 2 of 2 containers run` */
export function sawOf(state: PodState): string {
  const running = state.containers.filter((run) => run.state === 'running').length;
  const all = state.pod.spec.containers.length + (state.pod.spec.initContainers ?? []).length;
  const deleting = state.pod.metadata.deletionTimestamp === undefined ? '' : ', deleted';
  return `${state.lifecycle ?? 'new'}${deleting}, ${running} of ${all} containers run`;
}

/** What a status says that the one before it did not. */
export function statusNews(before: PodStatus | undefined, after: PodStatus | undefined): string[] {
  const news: string[] = [];
  if (before?.phase !== after?.phase) news.push(`phase is ${after?.phase ?? 'unknown'}`);
  const ready = (status: PodStatus | undefined): boolean =>
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  if (ready(before) !== ready(after)) news.push(ready(after) ? 'ready' : 'not ready');
  for (const { name, state } of after?.containerStatuses ?? []) {
    const last = before?.containerStatuses?.find((status) => status.name === name)?.state;
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    const lastReason = last?.waiting?.reason ?? last?.terminated?.reason;
    if (reason !== undefined && reason !== lastReason && reason !== 'ContainerCreating' && reason !== 'PodInitializing')
      news.push(`container ${name}: ${reason}`);
  }
  return news.length === 0 ? ['wrote status'] : news;
}
