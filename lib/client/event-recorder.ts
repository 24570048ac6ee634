// Does: writes Kubernetes Events, counting repeats in one object and holding back a source that says too much. Never
// lets an Event that could not be written disturb the work that it tells of.
import { RESOURCES } from '../api/resource.ts';
import { toTime, type Clock } from '../base/clock.ts';
import type { Chance } from '../base/chance.ts';
import { isReason, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Cause } from '../bus/messages.ts';
import type { KubeObject } from '../reconcile/controller.ts';
import type { Client } from './client.ts';

export interface EventRecord {
  regarding: KubeObject & { apiVersion: string; kind: string };
  /** `spec.containers{web}` where it is about a part. */
  fieldPath?: string;
  eventType: 'Normal' | 'Warning';
  reason: string;
  message: string;
  cause?: Cause;
}

interface Known {
  name: string;
  namespace: string;
  count: number;
  firstAt: string;
  lastMs: number;
}

const SAME_FOR_MS = 3_600_000;
const KEPT = 2_000;
/** As upstream's spam filter: a burst of 25 about one object, then one in five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;

export class EventRecorder {
  readonly #ctx: { client: Client; clock: Clock; chance: Chance; log: Log };
  readonly #source: { component: string; host?: string };
  readonly #known = new Map<string, Known>();
  readonly #spent = new Map<string, { used: number; at: number }>();
  #work: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(
    ctx: { client: Client; clock: Clock; chance: Chance; log: Log },
    source: { component: string; host?: string },
  ) {
    this.#ctx = ctx;
    this.#source = source;
  }

  /** Returns at once; Events are written one after the other behind it. */
  record(record: EventRecord): void {
    if (!this.#mayTell(record) || this.#queued > 1000) return;
    this.#queued++;
    this.#work = this.#work
      .then(() => this.#write(record))
      .catch((error: unknown) =>
        this.#ctx.log.debug({ reason: record.reason, error: messageOf(error) }, 'event not written'),
      )
      .finally(() => this.#queued--);
  }

  #mayTell(record: EventRecord): boolean {
    const key = record.regarding.metadata.uid ?? record.regarding.metadata.name;
    const now = this.#ctx.clock.now();
    const spent = this.#spent.get(key) ?? { used: 0, at: now };
    const used = Math.max(0, spent.used - (now - spent.at) / REFILL_MS);
    if (used >= BURST) return false;
    this.#spent.set(key, { used: used + 1, at: now });
    forgetOldest(this.#spent);
    return true;
  }

  async #write(record: EventRecord): Promise<void> {
    const { regarding } = record;
    const key = [regarding.metadata.uid, record.fieldPath, record.eventType, record.reason, record.message].join(
      '\u0000',
    );
    const now = this.#ctx.clock.now();
    const known = this.#known.get(key);
    const client = record.cause === undefined ? this.#ctx.client : this.#ctx.client.because(record.cause);
    if (known !== undefined && now - known.lastMs < SAME_FOR_MS) {
      const at = { namespace: known.namespace, name: known.name };
      try {
        await client.patch(RESOURCES.events, at, 'application/merge-patch+json', {
          count: known.count + 1,
          lastTimestamp: toTime(now),
        });
        this.#known.set(key, { ...known, count: known.count + 1, lastMs: now });
        return;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    await this.#create(client, record, key, now);
  }

  async #create(client: Client, record: EventRecord, key: string, now: number): Promise<void> {
    const { regarding } = record;
    const namespace = regarding.metadata.namespace ?? 'default';
    const name = `${regarding.metadata.name}.${Math.floor(now * 1e6).toString(16)}${this.#ctx.chance.suffix(3)}`;
    await client.create(RESOURCES.events, namespace, {
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        ...(regarding.metadata.namespace === undefined ? {} : { namespace: regarding.metadata.namespace }),
        name: regarding.metadata.name,
        uid: regarding.metadata.uid,
        resourceVersion: regarding.metadata.resourceVersion,
        ...(record.fieldPath === undefined ? {} : { fieldPath: record.fieldPath }),
      },
      reason: record.reason,
      message: record.message,
      type: record.eventType,
      count: 1,
      firstTimestamp: toTime(now),
      lastTimestamp: toTime(now),
      source: this.#source,
      reportingComponent: this.#source.component,
      reportingInstance: this.#source.host ?? '',
    });
    this.#known.set(key, { name, namespace, count: 1, firstAt: toTime(now), lastMs: now });
    forgetOldest(this.#known);
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size > KEPT) map.delete(map.keys().next().value!);
}
