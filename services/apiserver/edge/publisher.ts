// Does: tells every change to the actors, once, with the revision before it in the same stream; and each second where the
// streams stand, so that a lost last event is noticed. Never repeats an event and never decides by one.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import { packObject } from '../../../lib/bus/event-object.ts';
import { MESSAGE_VERSION, type Progress, type ResourceEvent } from '../../../lib/bus/messages.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import type { CacheEvent } from '../core/cache/cache-event.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import { nodesOf } from '../core/cache/watch-hub.ts';

const PROGRESS_MS = 1_000;

export class Publisher {
  readonly #ctx: ActorContext;
  readonly #cache: ClusterCache;
  /** Last revision by node of the stream `node/<node>`. */
  readonly #nodes = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(ctx: ActorContext, cache: ClusterCache) {
    this.#ctx = ctx;
    this.#cache = cache;
    this.#recallNodes();
  }

  /** Where each node's stream stood before this actor began, as far as history tells; else where it may have stood. */
  #recallNodes(): void {
    const pods = this.#cache.resource('core/pods');
    for (const node of this.#cache.list('core/nodes')) this.#nodes.set(node.name, pods.floor);
    for (const event of pods.eventsAfter(pods.floor) ?? [])
      for (const node of nodesOf(event)) this.#nodes.set(node, event.revision);
  }

  start(): void {
    this.#timer = this.#ctx.clock.timer(PROGRESS_MS, () => {
      this.progress();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** `stored`: the object's bytes as they came from the store; of a delete there are none. */
  publish(event: CacheEvent, stored: Uint8Array): void {
    const { group, resource } = splitStream(event.stream);
    const { namespace, name } = (event.after ?? event.before)!;
    const type = event.after === undefined ? 'DELETED' : event.before === undefined ? 'ADDED' : 'MODIFIED';
    const json = event.after === undefined ? packObject(event.gone!.object) : stored;
    const subject = subjectOf(this.#ctx.cluster, 'watch', {
      group: group === '' ? 'core' : group,
      resource,
      namespace,
      name,
    });
    const { revision, previous, cause } = event;
    const message: ResourceEvent = {
      version: MESSAGE_VERSION,
      group,
      resource,
      type,
      namespace,
      name,
      revision,
      previous,
      json,
      cause,
      apiserver: this.#ctx.instance,
    };
    this.#ctx.bus.publish(subject, message);
    for (const node of nodesOf(event)) this.#publishToNode(node, event, message);
  }

  /** Says where every stream stands. Also after a reconnect, when messages may be lost. */
  progress(): void {
    const streams: Record<string, number> = {};
    for (const resource of this.#cache.streams) {
      const { group, resource: plural } = splitStream(resource.stream);
      streams[`${group}/${plural}`] = resource.lastRevision;
    }
    for (const [node, revision] of this.#nodes) streams[`node/${node}`] = revision;
    const progress: Progress = {
      version: MESSAGE_VERSION,
      apiserver: this.#ctx.instance,
      revision: this.#cache.revision,
      streams,
    };
    this.#ctx.bus.publish(subjectOf(this.#ctx.cluster, 'progress', {}), progress);
  }

  /** A pod that comes to a node is ADDED there, one that leaves it DELETED. */
  #publishToNode(node: string, event: CacheEvent, message: ResourceEvent): void {
    const was = event.before?.object['spec']?.nodeName === node;
    const is = event.after?.object['spec']?.nodeName === node;
    const type = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED';
    const previous = this.#nodes.get(node) ?? this.#cache.resource('core/pods').floor;
    this.#nodes.set(node, event.revision);
    this.#ctx.bus.publish(subjectOf(this.#ctx.cluster, 'nodePods', { node }), { ...message, type, previous });
  }
}

interface StreamParts {
  group: string;
  resource: string;
}

/** There are as many as kinds are served. */
const SPLIT = new Map<string, StreamParts>();

function splitStream(stream: string): StreamParts {
  let parts = SPLIT.get(stream);
  if (parts === undefined) {
    const slash = stream.indexOf('/');
    const group = stream.slice(0, slash);
    parts = { group: group === 'core' ? '' : group, resource: stream.slice(slash + 1) };
    SPLIT.set(stream, parts);
  }
  return parts;
}
