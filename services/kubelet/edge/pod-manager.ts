// Does: gives every pod of this node a worker: those of the API, those remembered on disk, and what the runtime still has
// of pods that nobody knows. Never drives one itself.
import type { Pod } from '../../../lib/api/generated/types.ts';
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { ResourceCache } from '../../../lib/client/cache.ts';
import type { RuntimeShim } from '../../../runtime-shims/contract.ts';
import { namesIn, readRecord } from '../../../runtime-shims/shared/records.ts';
import { refusalOf, type NodeRoom } from '../core/admission.ts';
import type { KubeletPaths } from './paths.ts';
import { PodWorker, type WorkerContext } from './pod-worker.ts';
import type { RuntimeView } from './runtime-view.ts';

export interface ManagerContext {
  clock: Clock;
  log: Log;
  cache: ResourceCache<Pod>;
  view: RuntimeView;
  shim: RuntimeShim;
  paths: KubeletPaths;
  room: NodeRoom;
  worker: Omit<WorkerContext, 'onGone'>;
}

const GC_MS = 60_000;

export class PodManager {
  readonly #ctx: ManagerContext;
  readonly #workers = new Map<string, PodWorker>();
  /** Done with here, but the API still shows them (a finalizer holds them). */
  readonly #done = new Set<string>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(ctx: ManagerContext) {
    this.#ctx = ctx;
  }

  get size(): number {
    return this.#workers.size;
  }

  get pods(): Pod[] {
    return [...this.#workers.values()].map(({ state }) => state.pod);
  }

  /** Pods whose containers run. */
  get running(): number {
    return [...this.#workers.values()].filter(({ state }) => state.lifecycle === 'running').length;
  }

  worker(namespace: string, name: string, uid?: string): PodWorker | undefined {
    return [...this.#workers.values()].find(({ state }) => {
      const { metadata } = state.pod;
      return (
        metadata.name === name &&
        (metadata.namespace ?? '') === namespace &&
        (uid === undefined || metadata.uid === uid)
      );
    });
  }

  /** What was remembered runs on at once; what the API says comes when it can be asked. */
  async start(): Promise<void> {
    for (const uid of await namesIn(this.#ctx.paths.pods)) {
      const pod = await readRecord<Pod>(this.#ctx.paths.podRecord(uid));
      if (pod?.metadata?.uid === uid) this.#begin(pod);
    }
    this.#ctx.cache.onChange(({ before, after }) => this.#changed(before, after));
    this.#ctx.cache.start();
    void this.#ctx.cache.ready.then(() => this.#forgetUnknown());
    this.#timer = this.#ctx.clock.timer(GC_MS, () => void this.#collect());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#ctx.cache.stop();
    for (const worker of this.#workers.values()) worker.stop();
  }

  /** The runtime has news of this pod; '': of all, after the first listing. */
  runtimeChanged(uid: string): void {
    if (uid !== '') return this.#workers.get(uid)?.look();
    for (const worker of this.#workers.values()) worker.look();
    if (this.#ctx.cache.synced) void this.#forgetUnknown();
  }

  #changed(before: Pod | undefined, after: Pod | undefined): void {
    const gone = before !== undefined && before.metadata.uid !== after?.metadata.uid ? before.metadata.uid : undefined;
    if (gone !== undefined) {
      this.#done.delete(gone);
      this.#workers.get(gone)?.input({ type: 'podGone' });
    }
    const uid = after?.metadata.uid;
    if (after === undefined || uid === undefined || this.#done.has(uid)) return;
    const worker = this.#workers.get(uid);
    if (worker === undefined) this.#admit(after);
    else worker.podChanged(after);
  }

  #admit(pod: Pod): void {
    const others = [...this.#workers.values()].map(({ state }) => state.pod).filter(isActive);
    const worker = this.#begin(pod);
    const isNew = pod.status?.startTime === undefined && pod.metadata.deletionTimestamp === undefined && isActive(pod);
    const verdict = isNew ? refusalOf(pod, others, this.#ctx.room) : undefined;
    if (verdict === undefined) return;
    worker.say({ eventType: 'Warning', reason: verdict.reason, message: verdict.message });
    worker.input({ type: 'rejected', verdict });
  }

  #begin(pod: Pod): PodWorker {
    const uid = pod.metadata.uid ?? '';
    const onGone = (): void => {
      this.#workers.delete(uid);
      const { namespace = '', name } = pod.metadata;
      if (this.#ctx.cache.get(namespace, name)?.metadata.uid === uid) this.#done.add(uid);
    };
    const worker = new PodWorker({ ...this.#ctx.worker, onGone }, pod);
    this.#workers.set(uid, worker);
    worker.look();
    return worker;
  }

  /** After a complete list: what is remembered, runs or lies on disk without being in it has been deleted. */
  async #forgetUnknown(): Promise<void> {
    const known = new Set(this.#ctx.cache.list().map(({ metadata }) => metadata.uid));
    for (const [uid, worker] of this.#workers) if (!known.has(uid)) worker.input({ type: 'podGone' });
    const onDisk = await namesIn(this.#ctx.paths.pods);
    const strangers = new Map<string, { namespace: string; name: string }>();
    for (const uid of onDisk) strangers.set(uid, { namespace: '', name: uid });
    for (const [uid, pod] of this.#ctx.view.pods()) strangers.set(uid, pod);
    for (const [uid, { namespace, name }] of strangers) {
      if (uid === '' || known.has(uid) || this.#workers.has(uid)) continue;
      this.#ctx.log.info({ uid, namespace, pod: name }, 'removing what is left of a pod that nobody knows');
      const pod: Pod = { metadata: { uid, namespace, name }, spec: { containers: [] } };
      this.#begin(pod).input({ type: 'podGone' });
    }
  }

  async #collect(): Promise<void> {
    try {
      // What a list still misses might be taken for lost.
      if (this.#ctx.cache.synced && this.#ctx.view.trouble === undefined) {
        const removed = await this.#ctx.shim.gc();
        if (removed.length > 0) this.#ctx.log.info({ removed }, 'removed what no pod owns');
      }
    } catch (error) {
      this.#ctx.log.warn({ error: messageOf(error) }, 'collecting what no pod owns failed');
    }
    if (!this.#isStopped) this.#timer = this.#ctx.clock.timer(GC_MS, () => void this.#collect());
  }
}

function isActive(pod: Pod): boolean {
  return pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
}
