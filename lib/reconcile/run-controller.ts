// Does: runs one Controller: changes wake keys, each key is reconciled by at most one worker, actions are carried out and
// traced, a key waits until the caches have seen its own writes. Never decides what a key needs.
import type { Chance } from '../base/chance.ts';
import type { ResourceRef } from '../api/resource.ts';
import { sleep, type Clock } from '../base/clock.ts';
import { ApiError, isReason, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { OpenSpan, Tracer } from '../actor/tracer.ts';
import type { SpanWrite, WokenBy } from '../bus/messages.ts';
import type { Subscription } from '../bus/bus.ts';
import { wokenByOf, type Change } from '../client/cache.ts';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/event-recorder.ts';
import type { Caches } from './caches.ts';
import type { Action, Controller, KubeObject, Reconciled, Refusal } from './controller.ts';
import { doAction } from './do-action.ts';
import { KeyQueue, type QueueItem } from './queue.ts';

export interface RunContext {
  clock: Clock;
  chance: Chance;
  log: Log;
  tracer: Tracer;
  client: Client;
}

export interface RunningController {
  readonly name: string;
  readonly queueLength: number;
  stop(): void;
}

const WORKERS = 4;
const SEE_OWN_WRITES_MS = 5_000;
const ASK_AGAIN_MS = 1_000;

export function runController(ctx: RunContext, controller: Controller, caches: Caches): RunningController {
  const log = ctx.log.child({ controller: controller.name });
  const { account } = controller;
  const acting = account === undefined ? ctx.client : ctx.client.as(`system:serviceaccount:kube-system:${account}`);
  const events = new EventRecorder({ ...ctx, client: acting }, { component: `${controller.name}-controller` });
  const subscriptions: Subscription[] = [];
  let workers = 0;
  let stopped = false;
  const queue = new KeyQueue(ctx.clock, () => pump());
  const refs = [...controller.watches.map((watch) => watch.ref), ...(controller.reads ?? [])];
  const ready = Promise.all(refs.map((ref) => caches.of(ref).ready));

  for (const watch of controller.watches) {
    const cache = caches.of(watch.ref);
    subscriptions.push(
      cache.onChange((change) => {
        const by = wokenBy(watch.ref, change);
        for (const key of watch.keys(caches, change.before, change.after)) queue.add(key, change.revision, by);
      }),
    );
  }
  void ready.then(() => {
    if (stopped) return;
    for (const watch of controller.watches)
      for (const object of caches.of(watch.ref).list())
        for (const key of watch.keys(caches, undefined, object)) queue.add(key, revisionOf(object));
    isReady = true;
    pump();
  });
  let isReady = false;

  function pump(): void {
    while (isReady && !stopped && workers < WORKERS) {
      const item = queue.take();
      if (item === undefined) return;
      workers++;
      void work(item).then((failed) => {
        workers--;
        queue.done(item.key, failed);
        pump();
      });
    }
  }

  /** true: try again with backoff. */
  async function work(item: QueueItem): Promise<boolean> {
    const span = ctx.tracer.start({
      verb: 'reconcile',
      kind: controller.kind,
      ...item.key,
      revisions: item.revisions,
      by: item.by,
      queuedMs: item.queuedMs,
      retries: item.failures,
    });
    let decided: Reconciled;
    try {
      decided = controller.reconcile(caches, item.key, ctx.clock.now());
    } catch (error) {
      log.error(
        { key: item.key, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
        'reconcile threw',
      );
      span.end({ outcome: 'failed', why: messageOf(error) });
      return true;
    }
    if (decided.againInMs !== undefined) queue.addLater(item.key, decided.againInMs);
    return carryOut(item, decided, span);
  }

  async function carryOut(item: QueueItem, decided: Reconciled, span: OpenSpan): Promise<boolean> {
    const did: string[] = [];
    const wrote: SpanWrite[] = [];
    const failures: unknown[] = [];
    const refusals: Refusal[] = [];
    const client = acting.because(span.cause);
    for (const batch of batches(decided.actions)) {
      const settled = await Promise.allSettled(batch.map((action) => doAction(action, client, events, span)));
      for (const [i, one] of settled.entries()) {
        if (one.status === 'rejected') {
          failures.push(one.reason);
          if (isRefusal(one.reason)) refusals.push({ action: batch[i]!, message: messageOf(one.reason) });
        } else {
          did.push(one.value.did);
          if (one.value.wrote !== undefined) wrote.push(one.value.wrote);
        }
      }
      if (failures.length > 0) break;
    }
    if (refusals.length > 0) await tellRefusals(item, refusals, client, span);
    const why = failures.length > 0 ? messageOf(failures[0]) : decided.why;
    const stale =
      failures.length > 0 && failures.every((error) => isReason(error, 'Conflict', 'AlreadyExists', 'NotFound'));
    span.end({
      outcome: failures.length > 0 ? 'failed' : wrote.length > 0 ? 'changed' : 'unchanged',
      saw: decided.saw,
      did,
      wrote,
      ...(why === undefined ? {} : { why }),
      conflicts: failures.filter((error) => isReason(error, 'Conflict')).length,
    });
    if (failures.length > 0) log[stale ? 'debug' : 'warn']({ key: item.key, error: why }, 'action refused or failed');
    await seeOwnWrites(decided.actions, wrote);
    if (failures.some(mayHaveHappened)) await catchUp(decided.actions);
    return failures.length > 0;
  }

  /** What cannot be told now is told at the next try. */
  async function tellRefusals(item: QueueItem, refusals: Refusal[], client: Client, span: OpenSpan): Promise<void> {
    const actions = controller.refused?.(caches, item.key, refusals, ctx.clock.now()) ?? [];
    for (const action of actions)
      await doAction(action, client, events, span).catch((error: unknown) =>
        log.debug({ key: item.key, error: messageOf(error) }, 'a refusal could not be told'),
      );
  }

  /** Without this, a loop woken again at once would decide on a view that lacks what it has just done. */
  async function seeOwnWrites(actions: readonly Action[], wrote: readonly SpanWrite[]): Promise<void> {
    const refs = refsOf(actions);
    for (const write of wrote) {
      const ref = refs.get(write.kind);
      if (ref !== undefined) await caches.peek(ref)?.waitFor(write.revision, SEE_OWN_WRITES_MS);
    }
  }

  /** A write whose answer was lost may have been done: nothing is decided before the caches would show it. */
  async function catchUp(actions: readonly Action[]): Promise<void> {
    for (const [, ref] of refsOf(actions)) {
      const cache = caches.peek(ref);
      for (let isKnown = false; cache !== undefined && !isKnown && !stopped;) {
        try {
          const { metadata } = await ctx.client.list(ref, { limit: 1 });
          await cache.waitFor(Number(metadata.resourceVersion), SEE_OWN_WRITES_MS);
          isKnown = true;
        } catch {
          await sleep(ctx.clock, ASK_AGAIN_MS);
        }
      }
    }
  }

  return {
    name: controller.name,
    get queueLength() {
      return queue.length;
    },
    stop() {
      stopped = true;
      queue.stop();
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

/** Absent for a change that was found by listing: lists do not tell who wrote what. */
function wokenBy(ref: ResourceRef, { before, after, revision, cause }: Change): WokenBy | undefined {
  const metadata = (after ?? before)?.metadata;
  if (cause === undefined || metadata === undefined) return undefined;
  return wokenByOf(ref.kind, metadata, revision, cause);
}

function revisionOf(object: KubeObject): number | undefined {
  const revision = Number(object.metadata.resourceVersion);
  return Number.isInteger(revision) ? revision : undefined;
}

function refsOf(actions: readonly Action[]): Map<string, ResourceRef> {
  return new Map(
    actions.flatMap((action) => (action.type === 'event' ? [] : [[action.ref.kind, action.ref] as const])),
  );
}

/** The API's no to what was asked; not that somebody was first. */
function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.code < 500 && !isReason(error, 'Conflict', 'AlreadyExists', 'NotFound');
}

/** All but a refusal: that says that nothing was done. */
function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof ApiError && error.code < 500);
}

const PARALLEL = 16;

/** Neighbouring creates or deletes go out together; everything else one after the other, in the order decided. */
function batches(actions: readonly Action[]): Action[][] {
  const out: Action[][] = [];
  for (const action of actions) {
    const last = out.at(-1);
    const joins =
      last !== undefined &&
      last[0]!.type === action.type &&
      (action.type === 'create' || action.type === 'delete') &&
      last.length < PARALLEL;
    if (joins) last.push(action);
    else out.push([action]);
  }
  return out;
}
