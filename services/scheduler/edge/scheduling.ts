// Does: keeps the cluster state up to date from the caches, takes pods from the queue, and carries decisions out. Never
// chooses a node (core and plugins do).
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { OpenSpan } from '../../../lib/actor/tracer.ts';
import type { Node, Pod } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { toTime, type Timer } from '../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import type { SpanWrite } from '../../../lib/bus/messages.ts';
import { ResourceCache, type Change } from '../../../lib/client/cache.ts';
import type { Client } from '../../../lib/client/client.ts';
import { EventRecorder } from '../../../lib/client/event-recorder.ts';
import { ClusterState } from '../core/cluster-state.ts';
import { podInfo, type PodInfo } from '../core/pod-info.ts';
import { SchedulingQueue, type Popped } from '../core/queue.ts';
import { schedule, unschedulableMessage, type Decision } from '../core/schedule.ts';
import { PLUGINS } from '../plugins/index.ts';

const SCHEDULER_NAME = 'default-scheduler';
/** Bindings on their way at once: the API batches concurrent writes, more would only wait there. */
const BINDINGS = 64;

type Context = Pick<ActorContext, 'cluster' | 'bus' | 'clock' | 'chance' | 'log' | 'tracer'> & { client: Client };

export class Scheduling {
  readonly #ctx: Context;
  readonly #state = new ClusterState();
  readonly #queue = new SchedulingQueue();
  readonly #pods: ResourceCache<Pod>;
  readonly #nodes: ResourceCache<Node>;
  readonly #events: EventRecorder;
  #binding = 0;
  #bound = 0;
  #isReady = false;
  #stopped = false;
  #timer: Timer | undefined;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#events = new EventRecorder(ctx, { component: SCHEDULER_NAME });
    this.#pods = new ResourceCache<Pod>(ctx, { ref: RESOURCES.pods });
    this.#nodes = new ResourceCache<Node>(ctx, { ref: RESOURCES.nodes });
  }

  start(): void {
    this.#nodes.onChange((change) => this.#nodeChanged(change));
    this.#pods.onChange((change) => this.#podChanged(change));
    this.#nodes.start();
    this.#pods.start();
    // Without both, a pod would be told that there are no nodes, or a node would look empty.
    void Promise.all([this.#nodes.ready, this.#pods.ready]).then(() => {
      this.#isReady = true;
      this.#pump();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#nodes.stop();
    this.#pods.stop();
  }

  status(): Record<string, number> {
    const { active, backoff, unschedulable } = this.#queue.lengths();
    return {
      nodes: this.#state.nodes.length,
      active,
      backoff,
      unschedulable,
      binding: this.#binding,
      bound: this.#bound,
    };
  }

  #nodeChanged({ before, after }: Change<Node>): void {
    const mayHelp =
      after === undefined ? (this.#state.removeNode(before!.metadata.name), false) : this.#state.setNode(after);
    if (mayHelp) this.#wake();
  }

  #podChanged({ before, after }: Change<Pod>): void {
    const isReplaced = before !== undefined && before.metadata.uid !== after?.metadata.uid;
    let hasMadeRoom = isReplaced && this.#state.removePod(before.metadata.uid ?? '');
    // What was asked for is another thing now: earlier failures say nothing about it.
    const isChanged = before?.metadata.generation !== after?.metadata.generation;
    if (before !== undefined && (isReplaced || isChanged)) this.#queue.remove(keyOf(before));
    if (after !== undefined) {
      hasMadeRoom = this.#state.setPod(after) || hasMadeRoom;
      if (isWaiting(after)) this.#queue.add(keyOf(after), after.spec.priority ?? 0, this.#ctx.clock.now());
      else this.#queue.remove(keyOf(after));
    }
    if (hasMadeRoom) this.#wake();
    else this.#pump();
  }

  #wake(): void {
    this.#queue.wake(this.#ctx.clock.now());
    this.#pump();
  }

  #pump(): void {
    while (this.#isReady && !this.#stopped && this.#binding < BINDINGS) {
      const popped = this.#queue.pop(this.#ctx.clock.now());
      if (popped === undefined) return this.#pumpLater();
      const pod = this.#podOf(popped.key);
      if (pod === undefined || !isWaiting(pod)) this.#queue.remove(popped.key);
      else if (this.#state.isAssumed(pod)) this.#queue.failed(popped.key, this.#ctx.clock.now());
      else this.#decide(popped, pod);
    }
  }

  #pumpLater(): void {
    const at = this.#queue.nextAt();
    this.#timer?.cancel();
    if (at !== undefined)
      this.#timer = this.#ctx.clock.timer(Math.max(1, at - this.#ctx.clock.now()), () => this.#pump());
  }

  #podOf(key: string): Pod | undefined {
    const slash = key.indexOf('/');
    return this.#pods.get(key.slice(0, slash), key.slice(slash + 1));
  }

  #decide(popped: Popped, pod: Pod): void {
    const { namespace = '', name, resourceVersion } = pod.metadata;
    const span = this.#ctx.tracer.start({
      verb: 'schedule',
      kind: 'Pod',
      namespace,
      name,
      revisions: [Number(resourceVersion)],
      by: this.#pods.wokenBy(namespace, name),
      queuedMs: popped.queuedMs,
      retries: popped.attempts - 1,
    });
    let info: PodInfo;
    let decision: Decision;
    try {
      info = podInfo(pod);
      decision = schedule(this.#state, info, PLUGINS, this.#ctx.chance);
    } catch (error) {
      // One pod that cannot be understood must not keep the others waiting.
      this.#ctx.log.error({ pod: popped.key, error: messageOf(error) }, 'the pod could not be judged');
      span.end({ outcome: 'failed', why: messageOf(error) });
      return this.#queue.failed(popped.key, this.#ctx.clock.now());
    }
    if ('node' in decision) {
      this.#state.assume(info, decision.node);
      this.#binding++;
      void this.#bind(pod, decision, span).finally(() => {
        this.#binding--;
        this.#pump();
      });
    } else {
      this.#queue.unschedulable(popped.key, this.#ctx.clock.now());
      void this.#tellUnschedulable(pod, unschedulableMessage(decision), decision.nodes, span);
    }
  }

  async #bind(pod: Pod, decision: Extract<Decision, { node: string }>, span: OpenSpan): Promise<void> {
    const { namespace = '', name, uid = '' } = pod.metadata;
    const { node } = decision;
    const saw = `${this.#state.nodes.length} nodes, ${decision.feasible} fit`;
    const points = Object.entries(decision.points).map(([plugin, value]) => `${plugin} ${value}`);
    try {
      const answer = await this.#ctx.client.because(span.cause).post<{ metadata?: { resourceVersion?: string } }>(
        RESOURCES.pods,
        { namespace, name, subresource: 'binding' },
        {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { namespace, name, uid },
          target: { apiVersion: 'v1', kind: 'Node', name: node },
        },
      );
      this.#bound++;
      const did = [`bind ${namespace}/${name} to ${node}`];
      const wrote = writesOf('bind', pod, answer?.metadata?.resourceVersion);
      span.end({ outcome: 'changed', saw, did, why: `points of ${node}: ${points.join(', ')}`, wrote });
      const message = `Successfully assigned ${namespace}/${name} to ${node}`;
      this.#event(pod, 'Normal', 'Scheduled', message, span);
    } catch (error) {
      this.#state.forget(uid);
      const key = keyOf(pod);
      if (isReason(error, 'NotFound')) this.#queue.remove(key);
      else this.#queue.failed(key, this.#ctx.clock.now());
      span.end({
        outcome: 'failed',
        saw,
        why: `${namespace}/${name} could not be bound to ${node}: ${messageOf(error)}`,
      });
      this.#ctx.log.warn({ pod: key, node, error: messageOf(error) }, 'binding failed');
    }
  }

  async #tellUnschedulable(pod: Pod, message: string, nodes: number, span: OpenSpan): Promise<void> {
    const saw = `${nodes} nodes, 0 fit`;
    this.#event(pod, 'Warning', 'FailedScheduling', message, span);
    const status = unschedulableStatus(pod, message, this.#ctx.clock.now());
    if (status === undefined) return span.end({ outcome: 'unchanged', saw, why: message });
    const { namespace = '', name } = pod.metadata;
    try {
      const answer = await this.#ctx.client
        .because(span.cause)
        .update<Pod>(RESOURCES.pods, { namespace, name, subresource: 'status' }, { ...pod, status });
      const wrote = writesOf('updateStatus', pod, answer.metadata.resourceVersion);
      span.end({ outcome: 'changed', saw, did: ['condition PodScheduled is False'], why: message, wrote });
    } catch (error) {
      // Said again at the next attempt; the pod may be another by then.
      span.end({ outcome: 'failed', saw, why: `${message} The condition could not be written: ${messageOf(error)}` });
    }
  }

  #event(pod: Pod, eventType: 'Normal' | 'Warning', reason: string, message: string, span: OpenSpan): void {
    const regarding = { ...pod, apiVersion: 'v1', kind: 'Pod' };
    this.#events.record({ regarding, eventType, reason, message, cause: span.cause });
  }
}

function keyOf(pod: Pod): string {
  return `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
}

/** Ours to place, now. */
function isWaiting(pod: Pod): boolean {
  return (
    (pod.spec.nodeName ?? '') === '' &&
    pod.metadata.deletionTimestamp === undefined &&
    (pod.spec.schedulerName || SCHEDULER_NAME) === SCHEDULER_NAME &&
    (pod.spec.schedulingGates ?? []).length === 0 &&
    pod.status?.phase !== 'Succeeded' &&
    pod.status?.phase !== 'Failed'
  );
}

function writesOf(verb: string, pod: Pod, resourceVersion: string | undefined): SpanWrite[] {
  const revision = Number(resourceVersion);
  const { namespace = '', name } = pod.metadata;
  return Number.isFinite(revision) ? [{ verb, kind: 'Pod', namespace, name, revision }] : [];
}

/** undefined: it says so already. */
function unschedulableStatus(pod: Pod, message: string, now: number): Pod['status'] {
  const conditions = pod.status?.conditions ?? [];
  const present = conditions.find((condition) => condition.type === 'PodScheduled');
  if (present?.status === 'False' && present.reason === 'Unschedulable' && present.message === message)
    return undefined;
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastTransitionTime: present?.status === 'False' ? present.lastTransitionTime : toTime(now),
  };
  return { ...pod.status, conditions: [...conditions.filter((one) => one !== present), condition] };
}
