// Does: takes away the keys by which earlier versions held the addresses of Services, once their IPAddresses hold them. Never
// frees an address that a Service has, and never asks again when none is left.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import { SERVICES } from '../core/service-addresses.ts';
import { OLD_ADDRESSES, spentAddressKeys } from '../core/service-ranges.ts';
import { rangePages } from './range-pages.ts';
import type { StoreClient } from './store-client.ts';

const AGAIN_MS = 10_000;

export function dropOldAddresses(ctx: ActorContext, store: StoreClient, cache: ClusterCache): { stop(): void } {
  let timer: Timer | undefined;
  let isStopped = false;
  const look = async (): Promise<void> => {
    let isDone = false;
    try {
      isDone = await dropSpent(ctx, store, cache);
    } catch (error) {
      ctx.log.debug({ error: messageOf(error) }, 'old keys of addresses could not be dropped; tried again later');
    }
    if (!isDone && !isStopped) timer = ctx.clock.timer(AGAIN_MS, () => void look());
  };
  void look();
  return {
    stop() {
      isStopped = true;
      timer?.cancel();
    },
  };
}

/** Whether there was none. One that is needed yet waits for its IPAddress: the controller-manager makes it. */
async function dropSpent(ctx: ActorContext, store: StoreClient, cache: ClusterCache): Promise<boolean> {
  let found = 0;
  for await (const items of rangePages(store, { prefix: OLD_ADDRESSES, revision: 0 })) {
    found += items.length;
    const cause = { span: '', actor: ctx.instance };
    const deadline = ctx.clock.monotonic() + LIMITS.writeTimeoutMs;
    // Who comes too late for one finds it gone the next time.
    await Promise.all(
      [...spentAddressKeys(cache, items, SERVICES)].map((spent) => store.write({ ...spent, cause }, deadline)),
    );
  }
  return found === 0;
}
