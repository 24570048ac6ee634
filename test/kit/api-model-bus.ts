// Does: stands in for the API actor on a memory bus: answers requests from an ApiModel, publishes each change, each node's
// pods and the progress of all streams. Never authorizes (the bus's permissions are not asked).
import { packObject } from '../../lib/bus/event-object.ts';
import { MESSAGE_VERSION, type ApiRequest, type Progress, type ResourceEvent } from '../../lib/bus/messages.ts';
import type { MemoryNetwork } from '../../lib/bus/memory.ts';
import { groupToken, patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import { idOf, type ApiModel, type ModelEvent } from './api-model.ts';

export interface ServedModel {
  /** Requests that were answered, oldest first. */
  readonly requests: ApiRequest[];
  /** What the API actor says each second; here when the test says so. */
  sayProgress(): void;
}

/** `loses`: true drops this event on its way (never the write). */
export function serveModel(
  network: MemoryNetwork,
  cluster: string,
  model: ApiModel,
  loses: (event: ModelEvent) => boolean = () => false,
): ServedModel {
  const bus = network.connect('apiserver-1');
  const requests: ApiRequest[] = [];
  const streams: Record<string, number> = {};
  bus.subscribe(patternOf(cluster, 'apiRequest'), ({ data, respond }) => {
    requests.push(data as ApiRequest);
    respond?.(model.answer(data as ApiRequest));
  });
  model.onEvent((event) => {
    const { ref, namespace, name } = event;
    const place = { group: groupToken(ref.group), resource: ref.resource, namespace, name };
    const isLost = loses(event);
    streams[idOf(ref)] = event.revision;
    if (!isLost) bus.publish(subjectOf(cluster, 'watch', place), message(event, event.previous));
    const node = ref.resource === 'pods' ? String(event.object['spec']?.nodeName ?? '') : '';
    if (node === '') return;
    if (!isLost) bus.publish(subjectOf(cluster, 'nodePods', { node }), message(event, streams[`node/${node}`] ?? 0));
    streams[`node/${node}`] = event.revision;
  });
  return {
    requests,
    sayProgress() {
      const progress: Progress = {
        version: MESSAGE_VERSION,
        apiserver: 'apiserver-1',
        revision: model.revision,
        streams,
      };
      bus.publish(subjectOf(cluster, 'progress', {}), progress);
    },
  };
}

function message(event: ModelEvent, previous: number): ResourceEvent {
  const { type, namespace, name, revision, object, cause } = event;
  const { group, resource } = event.ref;
  const json = packObject(object);
  return { version: MESSAGE_VERSION, group, resource, type, namespace, name, revision, previous, json, cause };
}
