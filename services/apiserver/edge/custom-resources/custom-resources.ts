// Does: sees to it that every CRD has its names accepted and is established, and that one that goes takes its objects with it.
// Never decides either (core/custom-names.ts, core/pipeline/delete.ts do); several API actors may do it at once.
import { storedKind } from '../../../../lib/api/custom/custom-kind.ts';
import { CLEANUP_FINALIZER } from '../../../../lib/api/kinds/custom-resource-definition.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { toTime, type Timer } from '../../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../../lib/base/errors.ts';
import type { CachedObject } from '../../core/cache/cached-object.ts';
import { isTerminating, statusOfNames } from '../../core/custom-names.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, streamOfKind } from '../../core/served-kinds.ts';
import type { ApiParts } from '../parts.ts';
import { deleteInternally, mergePatch } from '../bootstrap/internal-calls.ts';

const COLLECTION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** What failed, or waits for somebody's finalizers, is looked at again. */
const AGAIN_MS = 2_000;

export class CustomResources {
  readonly #parts: () => ApiParts;
  #timer: Timer | undefined;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  /** A CRD, or an object of one that goes, has changed. */
  wake(stream: string): void {
    if (stream === CUSTOM_RESOURCE_DEFINITIONS || this.#hasTerminating()) void this.#run();
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #definitions(): KubeObject[] {
    return [...this.#parts().cache.list(CUSTOM_RESOURCE_DEFINITIONS)].map((item) => item.object);
  }

  #hasTerminating(): boolean {
    return (
      this.#parts().cache.resource(CUSTOM_RESOURCE_DEFINITIONS).objects.size > 0 &&
      this.#definitions().some(isTerminating)
    );
  }

  async #run(): Promise<void> {
    this.#again = true;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#timer?.cancel();
    let failed = false;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      for (const crd of this.#definitions()) failed = !(await this.#tend(crd)) || failed;
    }
    this.#running = false;
    if ((failed || this.#hasTerminating()) && !this.#stopped)
      this.#timer = this.#parts().ctx.clock.timer(AGAIN_MS, () => void this.#run());
  }

  /** false: to be tried again. */
  async #tend(crd: KubeObject): Promise<boolean> {
    try {
      if (isTerminating(crd)) await this.#end(crd);
      else await this.#establish(crd);
      return true;
    } catch (error) {
      // Another API actor did it first: what it wrote wakes us again.
      if (isReason(error, 'Conflict', 'NotFound')) return true;
      this.#parts().ctx.log.warn({ error: messageOf(error), name: crd.metadata.name }, 'a CRD could not be tended');
      return false;
    }
  }

  async #establish(crd: KubeObject): Promise<void> {
    const parts = this.#parts();
    const others = this.#definitions().filter(({ metadata }) => metadata.uid !== crd.metadata.uid);
    const status = statusOfNames(crd, others, toTime(parts.ctx.clock.now()));
    if (status === undefined) return;
    const metadata = { resourceVersion: crd.metadata.resourceVersion };
    await mergePatch(parts, `${COLLECTION}/${crd.metadata.name}/status`, { metadata, status });
  }

  async #end(crd: KubeObject): Promise<void> {
    const parts = this.#parts();
    const finalizers = crd.metadata.finalizers ?? [];
    const kind = storedKind(crd);
    if (!finalizers.includes(CLEANUP_FINALIZER) || kind === undefined) return;
    const stream = streamOfKind(kind);
    const items = Array.from(parts.cache.list(stream)).filter(isNew);
    for (const item of items) await deleteInternally(parts, kind, stream, item);
    await parts.freshness.newest();
    if (parts.cache.resource(stream).objects.size > 0) return;
    await mergePatch(parts, `${COLLECTION}/${crd.metadata.name}`, {
      metadata: {
        resourceVersion: crd.metadata.resourceVersion,
        finalizers: finalizers.filter((name) => name !== CLEANUP_FINALIZER),
      },
    });
  }
}

const isNew = (item: CachedObject): boolean => item.object.metadata.deletionTimestamp === undefined;
