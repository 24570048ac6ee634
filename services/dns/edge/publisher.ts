// Does: keeps the Service and EndpointSlice `kube-dns` in the API as they should be. Never gives up: without them pods
// find no names, but names are answered all the same.
import type { Tracer } from '../../../lib/actor/tracer.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import type { Log } from '../../../lib/base/log.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import type { EndpointSlice, Service } from '../../../lib/api/generated/types.ts';
import type { SpanWrite } from '../../../lib/bus/messages.ts';
import type { Client } from '../../../lib/client/client.ts';
import { KUBE_DNS, serviceUpdate, sliceUpdate, type KubeDnsObjects } from '../core/kube-dns-objects.ts';

/** Two small requests: a cluster whose API comes late should not wait for its names as well. */
const RETRY_MS = [300, 500, 1000, 3000];

export interface PublisherContext {
  client: Client;
  clock: Clock;
  log: Log;
  tracer: Tracer;
  objects: KubeDnsObjects;
}

interface Written {
  metadata: { resourceVersion?: string | undefined };
}

export class Publisher {
  readonly #ctx: PublisherContext;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #failures = 0;
  #published = false;

  constructor(ctx: PublisherContext) {
    this.#ctx = ctx;
  }

  get published(): boolean {
    return this.#published;
  }

  /** Looks at both objects and puts right what is not. Calls during a run make one more. */
  wake(delayMs = 0): void {
    if (this.#stopped) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = this.#ctx.clock.timer(delayMs, () => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        if (this.#failures > 0) this.wake(RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1]!);
        else if (this.#again) this.wake();
        this.#again = false;
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { client, objects, tracer, log } = this.#ctx;
    const span = tracer.start({ verb: 'publish', kind: 'Service', ...KUBE_DNS });
    const wrote: SpanWrite[] = [];
    try {
      const because = client.because(span.cause);
      await ensure<Service>(because, RESOURCES.services, objects.service, serviceUpdate, wrote);
      await ensure<EndpointSlice>(because, RESOURCES.endpointSlices, objects.slice, sliceUpdate, wrote);
      this.#published = true;
      this.#failures = 0;
      span.end({
        outcome: wrote.length > 0 ? 'changed' : 'unchanged',
        did: wrote.map(({ verb, kind }) => `${verb} ${kind} ${KUBE_DNS.namespace}/${KUBE_DNS.name}`),
        ...(wrote.length > 0 ? {} : { why: 'both are as they should be' }),
        wrote,
      });
    } catch (error) {
      this.#published = false;
      this.#failures++;
      if (this.#failures === 1 || this.#failures % 10 === 0)
        log.warn({ error: messageOf(error), failures: this.#failures }, 'cannot publish the service kube-dns yet');
      span.end({ outcome: 'failed', why: messageOf(error), wrote });
    }
  }
}

async function ensure<T extends Written>(
  client: Client,
  ref: ResourceRef,
  wanted: T,
  update: (there: T, wanted: T) => T | undefined,
  wrote: SpanWrite[],
): Promise<void> {
  const note = (verb: string, written: T): void =>
    void wrote.push({ verb, kind: ref.kind, ...KUBE_DNS, revision: Number(written.metadata.resourceVersion) });
  try {
    const there = await client.get<T>(ref, KUBE_DNS);
    const mended = update(there, wanted);
    if (mended !== undefined) note('update', await client.update<T>(ref, KUBE_DNS, mended));
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    note('create', await client.create<T>(ref, KUBE_DNS.namespace, wanted));
  }
}
