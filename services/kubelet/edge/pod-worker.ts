// Does: drives one pod: looks, decides, starts what was decided, counts what came of it, writes the status. Never waits
// for one effect before looking again. All deciding is in core/decide.ts.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { equalObjects } from '../../../lib/api/equality.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { OpenSpan, Tracer } from '../../../lib/actor/tracer.ts';
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import { ApiError, isReason, messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { SpanWrite, WokenBy } from '../../../lib/bus/messages.ts';
import type { Client } from '../../../lib/client/client.ts';
import type { EventRecorder } from '../../../lib/client/event-recorder.ts';
import { ShimError, type ImageState } from '../../../runtime-shims/contract.ts';
import { writeRecord } from '../../../runtime-shims/shared/records.ts';
import type { ContainerIdScheme } from '../core/container-status.ts';
import { decidePod } from '../core/decide.ts';
import type { PodEffect, PodEvent } from '../core/effects.ts';
import { definitionOf, newPodState, readySandbox, stepPod, type PodInput, type PodState } from '../core/pod-state.ts';
import { podStatusOf } from '../core/pod-status.ts';
import { PodProblem } from '../core/problem.ts';
import { doEffect, type EffectTools, type EffectWorker } from './pod-effects.ts';
import { describeStart, failureEvents, sawOf, statusNews } from './pod-words.ts';
import { terminationMessageOf } from './termination-message.ts';

export interface WorkerContext {
  clock: Clock;
  log: Log;
  client: Client;
  tracer: Tracer;
  events: EventRecorder;
  tools: EffectTools;
  scheme: ContainerIdScheme;
  /** Who wrote the version of the pod that the API last told of. */
  wokenBy?(namespace: string, name: string): WokenBy[];
  /** The pod is gone from the API and from this node. */
  onGone(uid: string): void;
}

const STATUS_RETRY_MS = [250, 1000, 2000, 5000, 10_000];

export class PodWorker implements EffectWorker {
  readonly images = new Map<string, ImageState>();
  readonly #ctx: WorkerContext;
  readonly #messages: Record<string, string> = {};
  /** Ended runs whose last words are being read: who sees the end in the status shall see the words too. */
  readonly #reading = new Set<string>();
  #state: PodState;
  #timer: Timer | undefined;
  #isScheduled = false;
  #isStopped = false;
  /** One episode for the trace: from the first thing done until nothing is under way. */
  #span: OpenSpan | undefined;
  #did: string[] = [];
  #wrote: SpanWrite[] = [];
  #problem: string | undefined;
  #statusWork: Promise<void> | undefined;
  #statusFailures = 0;
  /** A write that nobody has confirmed, and what it was made over. */
  #sent: { status: Record<string, unknown>; over: Pod } | undefined;
  #kept: Promise<void> = Promise.resolve();

  constructor(ctx: WorkerContext, pod: Pod) {
    this.#ctx = ctx;
    this.#state = newPodState(pod, ctx.clock.now());
    this.#persist();
  }

  get state(): PodState {
    return this.#state;
  }

  get client(): Client {
    return this.#span === undefined ? this.#ctx.client : this.#ctx.client.because(this.#span.cause);
  }

  /** Stops driving; what runs goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** An older state of the pod than the one known is not taken. */
  podChanged(pod: Pod): void {
    if (Number(pod.metadata.resourceVersion ?? 0) < Number(this.#state.pod.metadata.resourceVersion ?? 0)) return;
    const isNewSpec =
      pod.metadata.generation !== this.#state.pod.metadata.generation ||
      pod.metadata.deletionTimestamp !== this.#state.pod.metadata.deletionTimestamp;
    this.input({ type: 'podChanged', pod });
    if (isNewSpec) this.#persist();
  }

  input(input: PodInput): void {
    this.#state = stepPod(this.#state, input, this.#ctx.clock.now());
    this.wake();
  }

  look(): void {
    if (!this.#ctx.tools.view.isListed) return;
    const { sandboxes, containers } = this.#ctx.tools.view.of(this.#state.pod.metadata.uid ?? '');
    this.#state = stepPod(this.#state, { type: 'observed', sandboxes, containers }, this.#ctx.clock.now());
    this.#readLastWords();
    this.wake();
  }

  /** However often it is called, one turn follows. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#turn();
    });
  }

  say(event: PodEvent): void {
    const { container, ...rest } = event;
    const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
    const list = lists.find((one) => (this.#state.pod.spec[one] ?? []).some(({ name }) => name === container));
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.${list ?? 'containers'}{${container}}` };
    const regarding = { ...this.#state.pod, apiVersion: 'v1', kind: 'Pod' };
    this.#ctx.events.record({
      regarding,
      ...fieldPath,
      ...rest,
      ...(this.#span === undefined ? {} : { cause: this.#span.cause }),
    });
  }

  // ---- one turn ---------------------------------------------------------------------------------------------------

  #turn(): void {
    this.#timer?.cancel();
    const decision = decidePod(this.#state, this.#ctx.clock.now());
    this.#state = decision.state;
    if (decision.effects.some(({ type }) => type !== 'probe')) this.#openSpan();
    for (const event of decision.events) this.say(event);
    for (const effect of decision.effects) this.#start(effect);
    this.#syncStatus();
    this.#closeSpanWhenIdle();
    if (this.#state.lifecycle === 'gone') return this.#gone();
    if (decision.againInMs !== undefined)
      this.#timer = this.#ctx.clock.timer(Math.max(decision.againInMs, 1), () => this.wake());
  }

  #gone(): void {
    this.stop();
    this.#ctx.onGone(this.#state.pod.metadata.uid ?? '');
  }

  #start(effect: PodEffect): void {
    this.#state = stepPod(this.#state, { type: 'began', key: effect.key }, this.#ctx.clock.now());
    const work = effect.type === 'probe' ? this.#probe(effect) : this.#do(effect);
    work.catch((error: unknown) => this.#fail(effect, error));
  }

  async #do(effect: PodEffect): Promise<void> {
    const done = await doEffect(this.#ctx.tools, this, effect);
    if (done !== undefined) this.#did.push(done);
    if (effect.type === 'ensureImage') {
      const { container, attempt } = effect;
      this.#state = stepPod(this.#state, { type: 'imageReady', name: container.name, attempt }, this.#ctx.clock.now());
    }
    this.#finish(effect);
  }

  #finish(effect: PodEffect): void {
    this.#state = stepPod(this.#state, { type: 'done', key: effect.key }, this.#ctx.clock.now());
    // What the runtime now says must be seen before the next decision: else the same would be decided again.
    if (effect.type === 'probe') this.wake();
    else this.look();
  }

  #fail(effect: PodEffect, error: unknown): void {
    if (error instanceof ShimError && error.kind === 'RunContainerError') {
      // The container exists, as ended with 128: from here its restart policy counts.
      const name = effect.type === 'startContainer' ? effect.container.name : undefined;
      this.say({
        eventType: 'Warning',
        reason: 'Failed',
        message: `Error: ${error.message}`,
        ...(name === undefined ? {} : { container: name }),
      });
      this.#did.push(describeStart(effect, error.message));
      void this.#ctx.tools.view.relist().then(() => this.#finish(effect));
      return;
    }
    const reason = reasonOf(effect, error);
    const message = messageOf(error);
    this.#problem = `${reason}: ${message}`;
    for (const event of failureEvents(effect, reason, message)) this.say(event);
    this.#ctx.log.debug(
      { pod: this.#state.pod.metadata.name, effect: effect.key, reason, message },
      'an effect failed',
    );
    this.input({ type: 'failed', key: effect.key, reason, message });
  }

  async #probe(effect: Extract<PodEffect, { type: 'probe' }>): Promise<void> {
    const ip = readySandbox(this.#state)?.ip ?? '';
    const answer = await this.#ctx.tools.prober.ask(effect.container, effect.probe, { id: effect.id, ip });
    const outcome = answer.ok ? 'success' : 'failure';
    if (!answer.ok && this.#state.containers.some(({ id, state }) => id === effect.id && state === 'running')) {
      const kind = effect.kind[0]!.toUpperCase() + effect.kind.slice(1);
      this.say({
        eventType: 'Warning',
        reason: 'Unhealthy',
        message: `${kind} probe failed: ${answer.output}`,
        container: effect.container.name,
      });
    }
    this.#state = stepPod(
      this.#state,
      { type: 'probed', containerId: effect.id, kind: effect.kind, outcome },
      this.#ctx.clock.now(),
    );
    this.#finish(effect);
  }

  #readLastWords(): void {
    const uid = this.#state.pod.metadata.uid ?? '';
    for (const run of this.#state.containers) {
      const container = definitionOf(this.#state.pod, run.name);
      if (run.state !== 'exited' || container === undefined || this.#messages[run.id] !== undefined) continue;
      if (this.#reading.has(run.id)) continue;
      this.#reading.add(run.id);
      const file = this.#ctx.tools.paths.terminationLog(uid, run.name, run.attempt);
      void terminationMessageOf(container, run, file)
        .catch(() => '')
        .then((message) => {
          this.#messages[run.id] = message === '' ? (run.message ?? '') : message;
          this.#reading.delete(run.id);
          this.wake();
        });
    }
  }

  #persist(): void {
    const { pod } = this.#state;
    const file = this.#ctx.tools.paths.podRecord(pod.metadata.uid ?? '');
    this.#kept = this.#kept
      .then(() => writeRecord(file, pod))
      .catch((error: unknown) =>
        this.#ctx.log.warn({ pod: pod.metadata.name, error: messageOf(error) }, 'the pod could not be kept on disk'),
      );
  }

  settled(): Promise<void> {
    return this.#kept;
  }

  // ---- status -----------------------------------------------------------------------------------------------------

  #syncStatus(): void {
    if (this.#statusWork !== undefined || this.#state.presence === 'gone' || !this.#state.isObserved) return;
    if (this.#reading.size > 0 || this.#wantedStatus() === undefined) return;
    this.#openSpan();
    this.#statusWork = this.#writeStatus()
      .then(
        () => (this.#statusFailures = 0),
        (error: unknown) => this.#retryStatus(error),
      )
      .then(() => {
        this.#statusWork = undefined;
        this.wake();
      });
  }

  async flushStatus(): Promise<void> {
    await this.#statusWork;
    if (this.#wantedStatus() !== undefined)
      await this.#writeStatus().catch((error: unknown) => this.#retryStatus(error));
  }

  /** undefined: the API has it so already. */
  #wantedStatus(): Record<string, unknown> | undefined {
    const around = {
      scheme: this.#ctx.scheme,
      hostIp: this.#ctx.tools.node.ip,
      now: this.#ctx.clock.now(),
      terminationMessages: this.#messages,
    };
    const wanted: Record<string, unknown> = { reason: null, message: null, ...podStatusOf(this.#state, around) };
    return says(this.#state.pod, wanted) ? undefined : wanted;
  }

  async #writeStatus(): Promise<void> {
    const status = this.#wantedStatus();
    if (status === undefined) return;
    const { namespace = '', name, uid, resourceVersion } = this.#state.pod.metadata;
    const at = { namespace, name, subresource: 'status' };
    const before = this.#state.pod;
    this.#sent = { status, over: before };
    const written = await this.client.patch<Pod>(RESOURCES.pods, at, 'application/merge-patch+json', {
      metadata: { uid, resourceVersion },
      status,
    });
    this.#sent = undefined;
    const revision = Number(written.metadata.resourceVersion);
    this.#wrote.push({ verb: 'patch', kind: 'Pod', namespace, name, revision });
    this.#did.push(...statusNews(before.status, written.status));
    if (written.metadata.uid === uid && revision >= Number(this.#state.pod.metadata.resourceVersion)) {
      this.#state = stepPod(this.#state, { type: 'podChanged', pod: written }, this.#ctx.clock.now());
      this.#persist();
    }
  }

  async #retryStatus(error: unknown): Promise<void> {
    const { namespace = '', name, uid } = this.#state.pod.metadata;
    if (isReason(error, 'Conflict', 'NotFound')) {
      const fresh = await this.#ctx.client
        .get<Pod>(RESOURCES.pods, { namespace, name })
        .catch((cause: unknown) => cause);
      if (isReason(fresh, 'NotFound') || (isPod(fresh) && fresh.metadata.uid !== uid))
        return this.input({ type: 'podGone' });
      if (isPod(fresh)) {
        this.#noteLanded(fresh);
        return this.podChanged(fresh);
      }
    }
    this.#problem = `the status could not be written: ${messageOf(error)}`;
    const pause = STATUS_RETRY_MS[Math.min(this.#statusFailures++, STATUS_RETRY_MS.length - 1)]!;
    this.#ctx.log.debug({ pod: name, error: messageOf(error), againInMs: pause }, 'the status could not be written');
    // A refusal that no retry will change is told loudly: something is wrong with what this kubelet writes.
    if (error instanceof ApiError && error.reason === 'Invalid')
      this.#ctx.log.error({ pod: name, error: error.message }, 'the API refuses the status');
    await new Promise<void>((resolve) => this.#ctx.clock.timer(pause, resolve));
    this.#noteLanded(this.#state.pod);
  }

  /** A write whose answer was lost may be there all the same: then what the API says now is what this one did. */
  #noteLanded(fresh: Pod): void {
    if (this.#sent === undefined || !says(fresh, this.#sent.status)) return;
    const { namespace = '', name, resourceVersion } = fresh.metadata;
    this.#wrote.push({ verb: 'patch', kind: 'Pod', namespace, name, revision: Number(resourceVersion) });
    // Not over what is known by now: the change itself may have been heard of before the refusal.
    this.#did.push(...statusNews(this.#sent.over.status, fresh.status));
    this.#sent = undefined;
  }

  // ---- trace ------------------------------------------------------------------------------------------------------

  #openSpan(): void {
    if (this.#span !== undefined) return;
    const { namespace = '', name, resourceVersion } = this.#state.pod.metadata;
    const revisions = resourceVersion === undefined ? [] : [Number(resourceVersion)];
    const by = (this.#ctx.wokenBy?.(namespace, name) ?? []).filter(({ revision }) => revisions.includes(revision));
    this.#span = this.#ctx.tracer.start({ verb: 'sync', kind: 'Pod', namespace, name, revisions, by });
  }

  #closeSpanWhenIdle(): void {
    if (this.#span === undefined || this.#statusWork !== undefined) return;
    if (this.#state.inFlight.some((key) => !key.startsWith('probe:'))) return;
    const outcome =
      this.#did.length + this.#wrote.length > 0 ? 'changed' : this.#problem === undefined ? 'unchanged' : 'failed';
    this.#span.end({ outcome, saw: sawOf(this.#state), did: this.#did, why: this.#problem, wrote: this.#wrote });
    this.#span = undefined;
    this.#did = [];
    this.#wrote = [];
    this.#problem = undefined;
  }
}

function says({ status }: Pod, wanted: Record<string, unknown>): boolean {
  const there = (status ?? {}) as Record<string, unknown>;
  return Object.entries(wanted).every(([key, value]) => equalObjects(value, there[key]));
}

function isPod(value: unknown): value is Pod {
  return typeof value === 'object' && value !== null && !(value instanceof Error);
}

function reasonOf(effect: PodEffect, error: unknown): string {
  if (error instanceof PodProblem) return error.reason;
  if (error instanceof ShimError) {
    if (error.kind === 'Unavailable') return 'Unavailable';
    return effect.type === 'createSandbox' ? 'FailedCreatePodSandBox' : error.kind;
  }
  if (error instanceof ApiError && error.retryable) return 'Unavailable';
  if (effect.type === 'prepareVolumes') return 'FailedMount';
  return effect.type === 'createSandbox' ? 'FailedCreatePodSandBox' : 'CreateContainerError';
}
